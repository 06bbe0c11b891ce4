/** An error as it is logged: no properties beside these, some libraries keep statements and values in them. */
export interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** With those of its causes. */
  readonly stack: string;
}

/** What is logged of an error and its causes. */
export function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: "" };
  const { code } = error as { readonly code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    stack: stackOf(error, 0),
  };
}

const MAX_CAUSES = 5;

function stackOf(error: Error, depth: number): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (!(error.cause instanceof Error) || depth === MAX_CAUSES) return own;
  return `${own}\ncaused by: ${stackOf(error.cause, depth + 1)}`;
}
