import { expect, test } from "vitest";
import type { LiveHost } from "../src/server/live-host.js";
import { StreamSubscription } from "../src/server/stream-subscription.js";
import type { SubscriptionOwner } from "../src/server/subscription.js";

test("what is sent before the client knows that it is open is kept as it was then", async () => {
  const sent: string[] = [];
  const owner = {
    opened: () => sent.push("opened"),
    outbox: {
      send({ payload }: { readonly payload: Uint8Array }) {
        sent.push(Buffer.from(payload).toString());
        return "sent";
      },
    },
  };
  const host: Pick<LiveHost, "openStream"> = {
    async openStream(_database, channel) {
      const bytes = Buffer.from("first");
      channel.send(bytes);
      bytes.write("other");
    },
  };
  const subscription = new StreamSubscription(1, owner as unknown as SubscriptionOwner);
  await subscription.open("main", host as LiveHost);
  expect(sent).toEqual(["opened", "first"]);
});
