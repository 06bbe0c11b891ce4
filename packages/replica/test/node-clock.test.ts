import { describeClock } from "@tributary/testkit";
import { nodeClock } from "../src/node-clock.js";

describeClock("the clock of Node", () => ({ clock: nodeClock }));
