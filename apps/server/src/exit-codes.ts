/** Why the program ended. */
export const EXIT_CODES = {
  /** As it was told to. */
  clean: 0,
  /** It could not start, or crashed. */
  failed: 1,
  /** Its options cannot be used. */
  usage: 2,
  /** It ended before all requests had finished: they took too long, or a second signal came. */
  cutShort: 3,
} as const;
