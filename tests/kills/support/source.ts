import { createRandom, type SeededRandom } from "@tributary/testkit";

/** A statement as `@libsql/client` and the replica process take it. */
export interface Statement {
  readonly sql: string;
  readonly args: (string | number)[];
}

/** The tables that all sources share. `bare` has no key: what is applied twice shows there as two rows. */
export const SHARED_TABLES: readonly string[] = [
  "CREATE TABLE progress (source TEXT PRIMARY KEY, n INTEGER NOT NULL)",
  "CREATE TABLE keyed (id TEXT PRIMARY KEY, source TEXT NOT NULL, body TEXT)",
  "CREATE TABLE bare (source TEXT NOT NULL, part TEXT NOT NULL, body TEXT)",
  "CREATE INDEX bare_by_source ON bare (source)",
];

/** Rows of one source after one of its transactions, each as text; what stands there twice is there twice. */
interface State {
  readonly keyed: ReadonlyMap<string, string>;
  readonly bare: readonly (readonly [part: string, body: string])[];
  readonly counted: readonly string[];
  readonly extra: string | undefined;
}

/** Rows are deleted again above this. */
const MOST_ROWS = 40;

/**
 * Somebody who writes: a row of transactions, numbered from 1, each a function of the seed and the ones before. The rows
 * belong to the source alone, so a database that has its first n transactions holds exactly `rows(n)`.
 */
export class Source {
  readonly name: string;
  readonly #seed: number;
  readonly #states: State[] = [{ keyed: new Map(), bare: [], counted: [], extra: undefined }];
  readonly #transactions: (readonly Statement[])[] = [[]];

  constructor(name: string, random: SeededRandom) {
    this.name = name;
    this.#seed = random.below(2 ** 31);
  }

  /** The source's own table: nobody else hands out its keys. */
  get countedTable(): string {
    return `counted_${this.name}`;
  }

  /** What makes the source's own table. */
  get schema(): string {
    return `CREATE TABLE ${this.countedTable} (id INTEGER PRIMARY KEY AUTOINCREMENT, part TEXT NOT NULL)`;
  }

  transaction(n: number): readonly Statement[] {
    while (this.#transactions.length <= n) this.#extend();
    return this.#transactions[n] as readonly Statement[];
  }

  /** What the database holds of this source after its first `n` transactions, sorted. */
  rows(n: number): string[] {
    this.transaction(n);
    const { keyed, bare, counted, extra } = this.#states[n] as State;
    return [
      ...[...keyed].map(([id, body]) => `keyed ${id} ${body}`),
      ...bare.map(([part, body]) => `bare ${part} ${body}`),
      ...counted.map((part) => `counted ${part}`),
      ...(extra === undefined ? [] : [`table ${extra}`]),
    ].sort();
  }

  #extend(): void {
    const n = this.#transactions.length;
    const random = createRandom(this.#seed + n);
    const last = this.#states[n - 1] as State;
    const [keyed, bare, counted] = [new Map(last.keyed), [...last.bare], [...last.counted]];
    let { extra } = last;
    const { name } = this;
    const statements: Statement[] = [];
    const run = (sql: string, ...args: (string | number)[]): void => void statements.push({ sql, args });
    for (let part = random.below(4); part >= 0; part--) {
      const id = `${name}-${n}-${part}`;
      const body = bodyOf(random);
      keyed.set(id, body);
      run("INSERT INTO keyed VALUES (?, ?, ?)", id, name, body);
    }
    // Now and then the same row twice: both must stay.
    for (let copies = random.below(3); copies > 0; copies--) {
      bare.push([String(n), "same"]);
      run("INSERT INTO bare VALUES (?, ?, 'same')", name, String(n));
    }
    const part = `${n}-one`;
    bare.push([part, bodyOf(random)]);
    run("INSERT INTO bare VALUES (?, ?, ?)", name, part, (bare.at(-1) as [string, string])[1]);
    counted.push(String(n));
    run(`INSERT INTO ${this.countedTable} (part) VALUES (?)`, String(n));
    if (random.chance(0.6)) {
      const id = random.pick([...keyed.keys()]);
      keyed.set(id, `changed by ${n}`);
      run("UPDATE keyed SET body = ? WHERE id = ?", `changed by ${n}`, id);
    }
    if (random.chance(0.4)) {
      const at = random.pick(
        [...bare.keys()].filter((index) => (bare[index] as [string, string])[1] !== "same"),
      );
      const [changed] = bare[at] as [string, string];
      bare[at] = [changed, `changed by ${n}`];
      run("UPDATE bare SET body = ? WHERE source = ? AND part = ?", `changed by ${n}`, name, changed);
    }
    for (const id of [...keyed.keys()].slice(0, Math.max(0, keyed.size - MOST_ROWS))) {
      keyed.delete(id);
      run("DELETE FROM keyed WHERE id = ?", id);
    }
    if (bare.length > MOST_ROWS) {
      const gone = new Set(bare.splice(0, bare.length - MOST_ROWS / 2).map(([key]) => key));
      for (const key of gone) run("DELETE FROM bare WHERE source = ? AND part = ?", name, key);
      const kept = bare.filter(([key]) => !gone.has(key));
      bare.splice(0, bare.length, ...kept);
    }
    if (counted.length > MOST_ROWS) {
      run(`DELETE FROM ${this.countedTable} WHERE part = ?`, counted.shift() as string);
    }
    if (n % 20 === 0) {
      extra = `extra_${name}_${n}`;
      run(`CREATE TABLE ${extra} (id INTEGER PRIMARY KEY)`);
    } else if (n % 20 === 10 && extra !== undefined) {
      run(`DROP TABLE ${extra}`);
      extra = undefined;
    }
    run("INSERT INTO progress VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET n = excluded.n", name, n);
    this.#states.push({ keyed, bare, counted, extra });
    this.#transactions.push(statements);
  }
}

/** Mostly short; long ones make overflow pages, and a log that is soon large. */
function bodyOf(random: SeededRandom): string {
  const length = random.chance(0.1) ? 1000 + random.below(8000) : random.below(60);
  return random.pick(["a", "é", "z"]).repeat(length);
}
