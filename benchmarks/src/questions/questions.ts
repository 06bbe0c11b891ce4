import type { Question } from "../question.js";
import { BOOTSTRAP } from "./bootstrap.js";
import { GROWTH } from "./growth.js";
import { FAN_OUT, LIVE } from "./live.js";
import { CAPTURE, COMMIT_ONE, READ } from "./local.js";
import { EMPTY_PULLS, PULL, PULL_ONE } from "./pull.js";
import { PUSH, PUSH_ONE } from "./push.js";
import { AFTER_PUSHES, IDLE } from "./server.js";
import { WIRE_BYTES } from "./wire.js";

/** All questions, in the order of the results. */
export const QUESTIONS: readonly Question[] = [
  ...PUSH,
  PUSH_ONE,
  PULL_ONE,
  EMPTY_PULLS,
  ...PULL,
  ...BOOTSTRAP,
  CAPTURE,
  COMMIT_ONE,
  READ,
  LIVE,
  FAN_OUT,
  IDLE,
  AFTER_PUSHES,
  ...GROWTH,
  WIRE_BYTES,
];
