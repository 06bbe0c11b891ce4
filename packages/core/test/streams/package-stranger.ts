import { crc32 } from "node:zlib";

/**
 * Reads the binary form of a package, and gives its JSON form. Written from docs/WIRE_FORMAT.md alone, as somebody with
 * another language would: it shares no code with the project, and checks nothing but the checksum.
 */
export function readAsStranger(bytes: Buffer): object {
  const checksum = bytes.readUInt32LE(bytes.length - 4);
  if (crc32(bytes.subarray(0, bytes.length - 4)) !== checksum) throw new Error("checksum");
  if (bytes.toString("latin1", 0, 5) !== "TRCP\x01") throw new Error("magic");
  let at = 5;
  const u8 = (): number => bytes.readUInt8(at++);
  const big = (): bigint => {
    const digits: bigint[] = [];
    for (let byte = 0x80; byte >= 0x80; ) {
      byte = u8();
      digits.unshift(BigInt(byte % 0x80));
    }
    return digits.reduce((sum, digit) => sum * 128n + digit, 0n);
  };
  const number = (): number => Number(big());
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const text = (): string =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(take(number()));
  const times = <T>(count: number, read: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => read(i));

  const value = (): unknown => {
    const tag = u8();
    if (tag === 0) return null;
    if (tag === 1) {
      const zigzag = big();
      return { integer: String(zigzag % 2n === 0n ? zigzag / 2n : -(zigzag + 1n) / 2n) };
    }
    if (tag === 2) {
      const real = take(8).readDoubleLE();
      return { real: Object.is(real, -0) ? "-0" : `${real}` };
    }
    return tag === 3 ? text() : { blob: take(number()).toString("base64") };
  };

  const flags = u8();
  const sites = [text()];
  const [epoch, from] = [number(), number()];
  const to = from + number();
  const schemaHash = take(4).readUInt32LE();
  const snapshot = (flags & 2) !== 0 ? { snapshot: { part: number(), isLast: (flags & 4) !== 0 } } : {};

  const tables: { width: number; columns: string[]; json: object }[] = [];
  const table = (): object => {
    const name = text();
    const columns = times(number(), text);
    const kind = u8();
    if (kind === 0) {
      const rowid = text();
      tables.push({ width: columns.length + 1, columns: [rowid, ...columns], json: {} });
      return { name, columns, rowid };
    }
    tables.push({ width: columns.length, columns, json: {} });
    return { name, columns, key: times(number(), () => columns[number()]), keyMayBeNull: kind === 2 };
  };
  const change = (): object => {
    const head = number();
    if (head === 3) return { type: "schema", sql: text() };
    const index = Math.floor(head / 4);
    const json = index === tables.length ? table() : undefined;
    const known = tables[index] as (typeof tables)[number];
    if (json !== undefined) known.json = json;
    const row = times(known.width, value);
    if (head % 4 === 0) return { type: "insert", table: index, after: row };
    if (head % 4 === 2) return { type: "delete", table: index, before: row };
    const bits = times(Math.ceil(known.width / 8), u8);
    const changed: Record<string, unknown> = {};
    known.columns.forEach((column, i) => {
      if (((bits[i >> 3] as number) >> (i & 7)) & 1) changed[column] = value();
    });
    return { type: "update", table: index, before: row, changed };
  };
  const groups = times(number(), () => {
    const head = number();
    const index = Math.floor(head / 2);
    if (index === sites.length) sites.push(text());
    const group = { origin: sites[index], originCursor: number() };
    return head % 2 === 1 ? { ...group, withheld: true } : { ...group, changes: times(number(), change) };
  });
  if (at !== bytes.length - 4) throw new Error("length");
  return {
    ...{ format: "tributary-changes", version: 1, site: sites[0], epoch, from, to },
    ...{ endsTransaction: (flags & 1) !== 0, schemaHash, ...snapshot },
    ...{ tables: tables.map(({ json }) => json), groups, checksum },
  };
}
