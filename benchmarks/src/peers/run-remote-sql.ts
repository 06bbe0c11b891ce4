/** Runs statements on a server, in one transaction, by the protocol that both servers speak. */
export async function runRemoteSql(url: string, statements: readonly string[]): Promise<void> {
  await runRemoteCommits(url, ["BEGIN", ...statements, "COMMIT"]);
}

/** Runs statements on a server, each of them a transaction of its own. */
export async function runRemoteCommits(url: string, statements: readonly string[]): Promise<void> {
  const steps = statements.map((sql) => ({ stmt: { sql, want_rows: false } }));
  const { baton, results } = await post(url, { requests: [{ type: "batch", batch: { steps } }] });
  const [result] = results;
  const failed =
    result?.type === "ok"
      ? result.response.result?.step_errors.find((error) => error !== null)
      : result?.error;
  if (failed !== undefined) throw new Error(`the server refused: ${failed.message}`);
  // Turso's server keeps no streams, and refuses a pipeline that closes one.
  if (baton !== null) await post(url, { baton, requests: [{ type: "close" }] });
}

interface PipelineAnswer {
  readonly baton: string | null;
  readonly results: readonly (
    | {
        readonly type: "ok";
        readonly response: {
          readonly result?: { readonly step_errors: readonly ({ readonly message: string } | null)[] };
        };
      }
    | { readonly type: "error"; readonly error: { readonly message: string } }
  )[];
}

async function post(url: string, pipeline: unknown): Promise<PipelineAnswer> {
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(pipeline),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the server refused: ${text.slice(0, 300)}`);
  return JSON.parse(text) as PipelineAnswer;
}

/** So many rows of the table of the benchmarks, as statements of a thousand rows. */
export function insertStatements(from: number, count: number): string[] {
  const statements: string[] = [];
  for (let start = from; start < from + count; start += 1_000) {
    const end = Math.min(start + 1_000, from + count);
    const values = Array.from({ length: end - start }, (_, index) => {
      const id = start + index;
      return `(${id}, 'item number ${id} of the benchmark', ${(id * 7919) % 100_003})`;
    });
    statements.push(`INSERT INTO items(id, name, amount) VALUES ${values.join(",")}`);
  }
  return statements;
}
