/** Options that cannot be used: everything that is wrong with them, at once. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(
      mistakes.length === 1
        ? mistakes[0]
        : `${mistakes.length} mistakes in the options:${mistakes.map((mistake) => `\n  - ${mistake}`).join("")}`,
    );
    this.mistakes = mistakes;
  }
}
