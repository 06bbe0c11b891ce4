/** SQL of every kind that Tributary looks into. */
export const SQL_TEXTS: readonly string[] = [
  "SELECT a, 'it''s', \"b\"\"c\", [d e], `f` FROM t WHERE x = ?1 AND y = :y AND z = $z::w(1) -- end\n; /* more */ SELECT 2",
  "WITH x(a) AS (SELECT 1), y AS MATERIALIZED (SELECT 2) INSERT OR REPLACE INTO t(a) SELECT a FROM x RETURNING *",
  "CREATE UNIQUE INDEX IF NOT EXISTS main.i ON t (a COLLATE NOCASE DESC, lower(b || ',') ASC, c) WHERE a > 0 AND b IS NOT NULL",
  'CREATE TRIGGER IF NOT EXISTS tr AFTER UPDATE OF a, "begin" ON t FOR EACH ROW WHEN new.a > CASE old.a WHEN 1 THEN 2 END BEGIN UPDATE u SET x = CASE WHEN new.a THEN 1 ELSE 2 END; INSERT OR IGNORE INTO v SELECT RAISE(IGNORE) WHERE new.a IS NULL; DELETE FROM w; END',
  "CREATE TEMP TRIGGER tr INSTEAD OF DELETE ON v BEGIN SELECT raise ( ignore ); SELECT RAISE(ABORT, 'END;'); END; SELECT 1;",
  "EXPLAIN QUERY PLAN CREATE TABLE if AS SELECT 1",
  "CREATE VIRTUAL TABLE f USING fts5(a, content='')",
  'ALTER TABLE "t t" ADD COLUMN c INTEGER DEFAULT (1 + 0x1F - 1.5e-3)',
  "DROP TABLE IF EXISTS temp.t",
  "PRAGMA main.journal_mode = WAL",
  "PRAGMA cache_size(-2000)",
  "BEGIN IMMEDIATE; SAVEPOINT a; ROLLBACK TO a; RELEASE a; COMMIT",
  "VACUUM main INTO 'x'; ATTACH 'a' AS b; DETACH b",
  "INSERT INTO t VALUES (x'00ff', 1_000, .5, 1e10, NULL, -9223372036854775808)",
  "SELECT a->>'$.x', b->'y', c<>d, e!=f, g==h, i<<1, j>>2, k||l, ~m, n%2, o&p, q|r",
];
