/** The table of the questions about rows: what a small app would have. */
export const CREATE_ITEMS =
  "CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, name TEXT, amount INTEGER)";
export const INSERT_ITEM = "INSERT INTO items(id, name, amount) VALUES (?, ?, ?)";

/** So many rows from an id on. */
export function itemRows(from: number, count: number): (readonly [number, string, number])[] {
  return Array.from({ length: count }, (_, index) => {
    const id = from + index;
    return [id, `item number ${id} of the benchmark`, (id * 7919) % 100_003] as const;
  });
}
