import type { Question } from "../question.js";
import { PUSH, PUSH_ONE } from "./push.js";

/** All questions, in the order of the results. */
export const QUESTIONS: readonly Question[] = [...PUSH, PUSH_ONE];
