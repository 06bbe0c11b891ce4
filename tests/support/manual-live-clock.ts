import type { LiveClock } from "@tributary/live";
import { ManualClock } from "../../packages/server/test/support/manual-clock.js";

/** A clock that stands still until it is told to go on, as live connections see one. */
export class ManualLiveClock extends ManualClock implements LiveClock {
  random(): number {
    return 0.5;
  }
}
