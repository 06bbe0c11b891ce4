import type { SeededRandom } from "../random/seeded-random.js";

type Json = unknown;
type Container = Json[] | Record<string, Json>;

/** What a place of a document may hold in place of what it should. */
const EDGE_VALUES: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1,
  () => -0,
  () => 1.5,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e308,
  () => "",
  () => "0",
  () => "-9223372036854775808",
  () => "9223372036854775808",
  () => "\ud800",
  () => "a\0b",
  () => "====",
  () => "__proto__",
  () => [],
  () => [null],
  () => [[[[]]]],
  () => ({}),
  () => ({ type: "null" }),
  () => JSON.parse('{"__proto__":{"type":"ok"}}') as Json,
  () => nested(150),
];

/**
 * A document made from a corpus of good ones (parsed): one of them with some of its values replaced, removed, doubled or
 * moved. Nearly all of them are still JSON, so they get past the parser, where mutated text seldom does.
 */
export function mutateJson(corpus: readonly Json[], random: SeededRandom): Json {
  const box: Json[] = [structuredCopy(random.pick(corpus))];
  for (let rounds = 1 + random.below(3); rounds > 0; rounds--) mutateOnce(box, corpus, random);
  return box[0];
}

function mutateOnce(box: Json[], corpus: readonly Json[], random: SeededRandom): void {
  const places = placesOf(box);
  if (places.length === 0) return;
  const { container, key } = random.pick(places);
  switch (random.below(6)) {
    case 0:
      remove(container, key);
      break;
    case 1:
      put(container, random.chance(0.5) ? key : random.pick(places).key, at(container, key));
      break;
    case 2:
      // From elsewhere in the same document: the right kind of thing in the wrong place.
      put(container, key, structuredCopy(at(...placeOf(random.pick(places)))));
      break;
    case 3:
      put(
        container,
        key,
        structuredCopy(at(...placeOf(random.pick(placesOf([random.pick(corpus)] as Json[]))))),
      );
      break;
    default:
      put(container, key, random.pick(EDGE_VALUES)());
  }
}

interface Place {
  readonly container: Container;
  readonly key: string | number;
}

function placesOf(root: Json[]): Place[] {
  const places: Place[] = [];
  const visit = (container: Container): void => {
    const keys = Array.isArray(container) ? container.keys() : Object.keys(container);
    for (const key of keys) {
      places.push({ container, key });
      const value = at(container, key);
      if (typeof value === "object" && value !== null) visit(value as Container);
    }
  };
  visit(root);
  return places;
}

function placeOf({ container, key }: Place): [Container, string | number] {
  return [container, key];
}

function at(container: Container, key: string | number): Json {
  return (container as Record<string | number, Json>)[key];
}

function put(container: Container, key: string | number, value: Json): void {
  if (Array.isArray(container) && typeof key === "string") container.push(value);
  // Defined, not assigned: that would set the prototype where the key is `__proto__`.
  else Object.defineProperty(container, key, { value, configurable: true, enumerable: true, writable: true });
}

function remove(container: Container, key: string | number): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}

function structuredCopy(value: Json): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

function nested(depth: number): Json {
  let value: Json = { type: "is_autocommit" };
  for (let level = 0; level < depth; level++) value = { type: "not", cond: value };
  return value;
}
