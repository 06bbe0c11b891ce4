// What holds for requests in either format.

/** Conditions nested deeper are refused: whoever evaluates them recurses. */
export const MAX_CONDITION_DEPTH = 100;

export const TOO_DEEP: string = `nested at most ${MAX_CONDITION_DEPTH} deep`;
export const ONE_SOURCE = "an object with exactly one of sql and sql_id";
export const NO_STEP_BEFORE = "absent: no step comes before the first one";
