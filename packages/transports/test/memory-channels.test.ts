import { describeChannel } from "@tributary/testkit";
import { createMemoryChannels } from "../src/index.js";

describeChannel("memory", () => {
  const [left, right] = createMemoryChannels();
  return { left, right };
});
