import { MessageChannel } from "node:worker_threads";
import { describeChannel } from "@tributary/testkit";
import { type ChannelPort, createPortChannel } from "../src/index.js";

describeChannel(
  "a MessagePort",
  () => {
    const { port1, port2 } = new MessageChannel();
    return {
      left: createPortChannel(port1),
      right: createPortChannel(port2),
      cut: () => port1.close(),
      cleanUp: () => port1.close(),
    };
  },
  { canCut: true },
);

/** Only what Node's manner of events has, as its Worker. */
function inNodesManner(port: import("node:worker_threads").MessagePort): ChannelPort {
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer),
    on: (type, listener) => port.on(type as "message", listener),
    off: (type, listener) => port.off(type as "message", listener),
  };
}

describeChannel("a port that has events in Node's manner", () => {
  const { port1, port2 } = new MessageChannel();
  return {
    left: createPortChannel(inNodesManner(port1)),
    right: createPortChannel(inNodesManner(port2)),
    cleanUp: () => port1.close(),
  };
});
