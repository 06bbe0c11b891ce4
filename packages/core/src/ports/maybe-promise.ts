/** A port method may answer at once or later; the engine's text is the same. */
export type MaybePromise<T> = T | Promise<T>;
