interface NumberArray {
  readonly length: number;
  set(from: ArrayLike<number>, offset?: number): void;
  readonly [index: number]: number;
}

/** `array`, or a copy at least twice as long, so that `index` lies inside. New places hold 0. */
export function grownToHold<A extends NumberArray>(
  array: A,
  index: number,
  create: (length: number) => A,
): A {
  if (index < array.length) return array;
  const grown = create(Math.max(index + 1, array.length * 2));
  grown.set(array);
  return grown;
}
