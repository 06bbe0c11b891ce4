import { createHash } from "node:crypto";
import { createClient } from "@libsql/client";
import type { ReplicaDatabase } from "@tributary/replica";
import { line } from "./report.js";

/** Queries whose answers must be the same everywhere, with what each is about. */
const QUERIES: readonly (readonly [string, string])[] = [
  ["cities", "SELECT id, name, country, region, population, longitude, latitude FROM cities ORDER BY id"],
  ["favourites", "SELECT city, note FROM favourites ORDER BY city"],
  ["visits", "SELECT id, city, day, stars FROM visits ORDER BY id"],
  [
    "found by search",
    "SELECT rowid FROM city_search WHERE city_search MATCH 'visited OR tributary' ORDER BY rowid",
  ],
  ["Iceland", "SELECT name, population FROM cities WHERE country = 'IS' ORDER BY id"],
];

/** Shows what everybody has, and resolves with whether it is the same row for row. */
export async function compareContents(
  url: string,
  replicas: Record<string, ReplicaDatabase>,
): Promise<boolean> {
  const client = createClient({ url });
  let same = true;
  try {
    for (const [name, sql] of QUERIES) {
      const answer = await client.execute(sql);
      const everybody = [
        ["server", answer.rows.map((row) => answer.columns.map((_, index) => row[index]))],
      ] as [string, unknown[][]][];
      for (const [replica, db] of Object.entries(replicas)) {
        everybody.push([replica, db.prepare(sql).raw().all() as unknown[][]]);
      }
      const digests = everybody.map(([, rows]) => digest(rows));
      const equal = new Set(digests).size === 1;
      same &&= equal;
      const counts = everybody.map(([who, rows]) => `${who} ${rows.length.toLocaleString("en")}`).join(", ");
      line(
        equal ? "same" : "DIFFERS",
        `${name}: ${counts} rows (sha256 ${digests.join(" / ").slice(0, 12)}…)`,
      );
    }
    const iceland = await client.execute("SELECT name, population FROM cities WHERE name LIKE 'Reykjav_k%'");
    const [row] = iceland.rows;
    line(
      "merged",
      `${row?.[0]}, ${row?.[1]} people: the phone's name and the laptop's population in one row`,
    );
  } finally {
    client.close();
  }
  return same;
}

function digest(rows: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}
