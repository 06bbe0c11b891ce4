/** The flag of an option, by its key: `maxBody` is `--max-body`. */
export function flagOf(key: string): string {
  return `--${words(key).join("-")}`;
}

/** The environment variable of an option, by its key: `maxBody` is `TRIBUTARY_MAX_BODY`. */
export function variableOf(key: string): string {
  return `${VARIABLE_PREFIX}${words(key).join("_").toUpperCase()}`;
}

/** What all our environment variables begin with. */
export const VARIABLE_PREFIX = "TRIBUTARY_";

function words(key: string): string[] {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(" ");
}

/** The one of `names` that was probably meant, where one is close: a letter in five, or `atLeast` letters, may be wrong. */
export function closestName(text: string, names: readonly string[], atLeast = 1): string | undefined {
  const scored = names.map((name) => ({ name, distance: editDistance(text, name) }));
  scored.sort((left, right) => left.distance - right.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.max(atLeast, Math.floor(text.length / 5))
    ? best.name
    : undefined;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[right.length] as number;
}
