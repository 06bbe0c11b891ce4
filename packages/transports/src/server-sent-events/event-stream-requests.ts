import { type MaybePromise, SyncError } from "@tributary/core";

/** Who asks, and how. */
export interface RequestOptions {
  /** Sent as `Authorization: Bearer` with each request, for which a function is called. */
  readonly authToken?: string | (() => MaybePromise<string | undefined>);
  /** Further headers of each request, for which a function is called. */
  readonly headers?: Record<string, string> | (() => MaybePromise<Record<string, string>>);
}

/** The headers of one request. Rejects with `SyncError` `invalid-option`, `unauthorized`. */
export async function requestHeaders(
  options: RequestOptions,
  own: Record<string, string>,
): Promise<Record<string, string>> {
  const further = await ask(options.headers, "invalid-option", "headers() failed.");
  const token = await ask(options.authToken, "unauthorized", "authToken() failed.");
  const all = { ...further, ...own, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  try {
    return Object.fromEntries(new Headers(all));
  } catch {
    // The cause would repeat the value, which may be a secret.
    throw new SyncError("invalid-option", "headers or authToken have characters that cannot be sent");
  }
}

async function ask<T>(
  given: T | (() => MaybePromise<T>) | undefined,
  code: "invalid-option" | "unauthorized",
  message: string,
): Promise<T | undefined> {
  try {
    return typeof given === "function" ? await (given as () => MaybePromise<T>)() : given;
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError(code, message, { cause: error });
  }
}
