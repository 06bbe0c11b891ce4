import { runJob } from "../jobs/run-job.js";
import { fillDatabase, rewriteDatabase } from "../peers/fill-database.js";
import { runRemoteSql } from "../peers/run-remote-sql.js";
import type { Case, Measurement, Question, Scale } from "../question.js";
import { OURS, OWN_PAIRS, type PairContext, pairName, THEIRS, withServer } from "./pairs.js";

const PULL = "pull, p50, ms";

/** A question about what grows, and what must not cost more for it. */
interface Growth {
  readonly name: string;
  readonly title: string;
  /** What grows, with its unit. */
  readonly growing: string;
  readonly figure: string;
  readonly sizes: readonly number[];
  measure(context: PairContext, size: number): Promise<Measurement>;
  /** The server's log may become that long, bytes. */
  readonly walLimitBytes?: number;
}

function growthQuestion({ name, title, growing, figure, sizes, measure, walLimitBytes }: Growth): Question {
  const label = (size: number): string => size.toLocaleString("en");
  const caseName = (contender: string, size: number): string => `${contender}, ${label(size)}`;
  const options = walLimitBytes === undefined ? {} : { walLimitBytes };
  const [least = 0] = sizes;
  const most = sizes.at(-1) ?? 0;
  return {
    name: `growth-${name}`,
    title: `${title}, by ${growing}`,
    rounds: 1,
    cases: sizes.flatMap((size) =>
      OWN_PAIRS.map(
        (pair): Case => ({
          name: caseName(pairName(pair), size),
          onlyInFull: size > least,
          run: (scale) =>
            withServer(
              pair[1],
              (server, directory) => measure({ client: pair[0], server, directory, scale }, size),
              options,
            ),
        }),
      ),
    ),
    targets: [{ figure, of: caseName(OURS, most), against: caseName(OURS, least), atMost: 1.5 }],
    chart: {
      title,
      growing,
      figure,
      lines: [OURS, THEIRS].map((contender) => ({
        name: contender,
        points: sizes.map((size) => [label(size), caseName(contender, size)] as const),
      })),
    },
  };
}

/** In the short form nothing is large. */
function amount(size: number, scale: Scale): number {
  return scale === "short" ? Math.min(size, 2) : size;
}

function pullOnePage(
  { client, server, directory, scale }: PairContext,
  hasLocalChange = false,
): Promise<Measurement> {
  return runJob("grownPull", {
    client,
    path: `${directory}/replica.db`,
    url: server.url,
    times: scale === "short" ? 3 : 50,
    hasLocalChange,
  });
}

const BY_SIZE = growthQuestion({
  name: "size",
  title: "Pull one page",
  growing: "megabytes of database",
  figure: PULL,
  sizes: [1, 100, 1_000],
  async measure(context, size) {
    await fillDatabase(context.server.url, amount(size, context.scale));
    return pullOnePage(context);
  },
});

const BY_LOG = growthQuestion({
  name: "log",
  title: "Pull one page",
  growing: "megabytes in the server's log",
  figure: PULL,
  sizes: [1, 16, 128],
  // Ours would begin it anew at 16 MiB.
  walLimitBytes: 2 ** 30,
  async measure(context, size) {
    await fillDatabase(context.server.url, 1);
    await rewriteDatabase(context.server.url, amount(size, context.scale));
    return pullOnePage(context);
  },
});

const BY_AGE = growthQuestion({
  name: "age",
  title: "Pull one page",
  growing: "commits that the replica is behind",
  figure: PULL,
  sizes: [1, 100, 10_000],
  measure: ({ client, server, directory, scale }, size) =>
    runJob("agedPull", {
      client,
      directory,
      url: server.url,
      commits: amount(size, scale),
      replicas: scale === "short" ? 2 : 15,
    }),
});

const BY_TAPE = growthQuestion({
  name: "tape",
  title: "Push one row",
  growing: "rows pushed since the last pull",
  figure: "push, p50, ms",
  sizes: [1, 10_000, 100_000],
  measure: ({ client, server, directory, scale }, size) =>
    runJob("tapePush", {
      client,
      path: `${directory}/replica.db`,
      url: server.url,
      rows: amount(size, scale),
      times: scale === "short" ? 3 : 50,
    }),
});

const BY_TABLES = growthQuestion({
  name: "tables",
  title: "Pull one page and repeat a local change",
  growing: "tables in the database",
  figure: PULL,
  sizes: [1, 100, 1_000],
  async measure(context, size) {
    const tables = Array.from(
      { length: amount(size, context.scale) },
      (_, index) => `CREATE TABLE other_${index}(id INTEGER PRIMARY KEY, name TEXT, amount INTEGER)`,
    );
    await runRemoteSql(context.server.url, tables);
    return pullOnePage(context, true);
  },
});

/** Whether what a change costs follows only the change. */
export const GROWTH: readonly Question[] = [BY_SIZE, BY_LOG, BY_AGE, BY_TAPE, BY_TABLES];
