/** A field of a message: a number, or bytes of whatever kind. */
export type Field = readonly [field: number, value: bigint | string | Uint8Array];

/** A message of these fields. */
export function encodeFields(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([field, value]) => {
      if (typeof value === "bigint") return [varint(BigInt(field << 3)), varint(BigInt.asUintN(64, value))];
      const bytes = Buffer.from(value as Uint8Array);
      return [varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes];
    }),
  );
}

/** The numbers and the bytes of a message, by field, in their order. */
export class Fields {
  readonly #numbers = new Map<number, bigint[]>();
  readonly #bytes = new Map<number, Buffer[]>();

  constructor(bytes: Uint8Array) {
    let offset = 0;
    const next = (): bigint => {
      for (let value = 0n, shift = 0n; ; shift += 7n) {
        const byte = bytes[offset++];
        if (byte === undefined) throw new Error("the message ends too early");
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return value;
      }
    };
    while (offset < bytes.length) {
      const tag = Number(next());
      const value = next();
      if ((tag & 7) === 0) add(this.#numbers, tag >> 3, value);
      else {
        add(this.#bytes, tag >> 3, Buffer.from(bytes.subarray(offset, offset + Number(value))));
        offset += Number(value);
      }
    }
  }

  number(field: number): bigint | undefined {
    return this.#numbers.get(field)?.[0];
  }

  text(field: number): string | undefined {
    return this.#bytes.get(field)?.[0]?.toString();
  }

  all(field: number): readonly Buffer[] {
    return this.#bytes.get(field) ?? [];
  }

  messages(field: number): readonly Fields[] {
    return this.all(field).map((bytes) => new Fields(bytes));
  }
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function add<T>(map: Map<number, T[]>, field: number, value: T): void {
  const found = map.get(field);
  if (found === undefined) map.set(field, [value]);
  else found.push(value);
}
