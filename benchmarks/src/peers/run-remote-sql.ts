/** Runs statements on a server, in one transaction, by the protocol that both servers speak. */
export async function runRemoteSql(url: string, statements: readonly string[]): Promise<void> {
  const steps = ["BEGIN", ...statements, "COMMIT"].map((sql) => ({ stmt: { sql, want_rows: false } }));
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    // Without closing the stream: Turso's server refuses to.
    body: JSON.stringify({ requests: [{ type: "batch", batch: { steps } }] }),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"type":"error"'))
    throw new Error(`the server refused: ${text.slice(0, 300)}`);
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
