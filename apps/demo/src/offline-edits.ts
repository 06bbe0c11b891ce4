import type { ReplicaDatabase } from "@tributary/replica";

/** What the laptop does without a network; tells what it did. */
export function editOnLaptop(db: ReplicaDatabase): string[] {
  const did: string[] = [];
  const census = db.prepare("UPDATE cities SET population = population + 1000 WHERE country = 'IS'").run();
  did.push(`counted the people of Iceland anew: ${census.changes} cities updated, column population`);
  db.prepare("INSERT INTO cities VALUES (90000001, 'Tributary Falls', 'US', 'CO', 42, -105.1, 40.2)").run();
  did.push("founded Tributary Falls");
  db.exec(`CREATE TABLE visits (id INTEGER PRIMARY KEY, city INTEGER REFERENCES cities (id), day TEXT, stars REAL);
    INSERT INTO visits (city, day, stars) SELECT id, '2026-07-14', 4.5 FROM cities WHERE name = 'Reykjavík' LIMIT 1`);
  did.push("made a table of visits, and one visit in it");
  did.push(`searched "tributary": ${search(db, "tributary")}`);
  return did;
}

/** What the phone does without a network; tells what it did. */
export function editOnPhone(db: ReplicaDatabase): string[] {
  const did: string[] = [];
  const renamed = db.prepare("UPDATE cities SET name = name || ' (visited)' WHERE country = 'IS'").run();
  did.push(`marked the cities of Iceland as visited: ${renamed.changes} updated, column name`);
  const favourites = db
    .prepare(
      "INSERT INTO favourites SELECT id, 'capital of ' || country FROM cities WHERE population > 10000000 ORDER BY population DESC",
    )
    .run();
  did.push(`chose ${favourites.changes} favourites`);
  const removed = db
    .prepare("DELETE FROM cities WHERE country = 'VA' AND id NOT IN (SELECT city FROM favourites)")
    .run();
  did.push(`deleted ${removed.changes} city of the Vatican`);
  did.push(`searched "visited": ${search(db, "visited")}`);
  return did;
}

function search(db: ReplicaDatabase, words: string): string {
  const query = "SELECT count(*) FROM city_search WHERE city_search MATCH ?";
  return `${db.prepare(query).pluck().get(words)} found by FTS5`;
}
