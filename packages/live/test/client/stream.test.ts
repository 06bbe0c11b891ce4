import type { Channel } from "@tributary/core";
import { expect, test } from "vitest";
import { type ScriptedChannel, ScriptedServer } from "./scripted-server.js";

interface Heard {
  readonly messages: string[];
  drains: number;
  reasons: string[];
}

function listen(channel: Channel): Heard {
  const heard: Heard = { messages: [], drains: 0, reasons: [] };
  channel.listen({
    onMessage: (message) => heard.messages.push(Buffer.from(message).toString()),
    onDrain: () => {
      heard.drains += 1;
    },
    onClose: (reason) => heard.reasons.push(reason),
  });
  return heard;
}

async function opened(
  maxMessageBytes = 1_024,
): Promise<{ server: ScriptedServer; channel: ScriptedChannel; stream: Channel; sub: number }> {
  const server = new ScriptedServer();
  const opening = server.client.openStream("orders");
  const channel = await server.channel();
  await channel.greet({ maxMessageBytes });
  const open = await channel.open();
  expect(open).toMatchObject({ kind: "stream", database: "orders" });
  return { server, channel, stream: await opening, sub: open.sub };
}

const data = (sub: number, text: string) => ({ type: "data", sub, payload: Buffer.from(text) }) as const;

test("it is a duplex: what comes before anybody listens is kept", async () => {
  const { server, channel, stream, sub } = await opened();
  channel.send(data(sub, "one"), data(sub, "two"));
  await server.clock.advance(0);
  const heard = listen(stream);
  channel.send(data(sub, "three"));
  expect(stream.send(Buffer.from("hello"))).toBe("sent");
  expect(Buffer.from((await channel.take("data")).payload).toString()).toBe("hello");
  await server.clock.advance(0);
  expect(heard).toEqual({ messages: ["one", "two", "three"], drains: 0, reasons: [] });
});

test("closing it closes the subscription, never the channel", async () => {
  const { server, channel, stream, sub } = await opened();
  const heard = listen(stream);
  stream.close("done");
  stream.close("again");
  expect(heard.reasons).toEqual([]);
  expect(await channel.take("close")).toEqual({ type: "close", sub });
  channel.send(data(sub, "late"));
  await server.clock.advance(0);
  expect(heard).toEqual({ messages: [], drains: 0, reasons: ["done"] });
  expect(stream.send(Buffer.from("x"))).toBe("closed");
  expect(channel.count("close")).toBe(1);
  expect(channel.closeReason).toBeUndefined();
});

test("it ends with the channel, after what came before", async () => {
  const { server, channel, stream, sub } = await opened();
  channel.send(data(sub, "last"));
  channel.end.close("cut");
  await server.clock.advance(0);
  const heard = listen(stream);
  await server.clock.advance(0);
  expect(heard.messages).toEqual(["last"]);
  expect(heard.reasons).toEqual([expect.stringMatching(/cut/)]);
  expect(stream.send(Buffer.from("x"))).toBe("closed");
});

test("the server may end it alone", async () => {
  const { server, channel, stream, sub } = await opened();
  const heard = listen(stream);
  channel.fail(sub, 0, 410, "deleted", "the database is gone");
  await server.clock.advance(0);
  expect(heard.reasons).toEqual([expect.stringMatching(/the database is gone/)]);
  expect(server.client.state.state).toBe("open");
});

test("a channel that is full is full for it, too, and it is told when there is room", async () => {
  const { server, stream } = await opened();
  const heard = listen(stream);
  const [end] = server.ends;
  if (end === undefined) throw new Error("There is no channel.");
  end.inbox.drain();
  await server.clock.advance(0);
  expect(heard.drains).toBe(0);
  end.outcome = "full";
  expect(stream.send(Buffer.from("x"))).toBe("full");
  end.inbox.drain();
  await server.clock.advance(0);
  expect(heard.drains).toBe(1);
});

test("a message that the server would close the channel for is not sent", async () => {
  const { server, channel, stream } = await opened(100);
  const heard = listen(stream);
  expect(stream.send(new Uint8Array(90))).toBe("sent");
  expect(stream.send(new Uint8Array(100))).toBe("closed");
  await server.clock.advance(0);
  expect(heard.reasons).toEqual([expect.stringMatching(/longer than the server takes/)]);
  expect(channel.count("data")).toBe(1);
});

test("one that is given up while it is opened is closed", async () => {
  const server = new ScriptedServer();
  const controller = new AbortController();
  const opening = server.client.openStream("orders", controller.signal);
  const channel = await server.channel();
  await channel.greet();
  const { sub } = await channel.take("open");
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: "aborted" });
  channel.send({ type: "opened", sub });
  expect(await channel.take("close")).toEqual({ type: "close", sub });
});

test("one that is refused says why", async () => {
  const server = new ScriptedServer();
  const opening = server.client.openStream("orders");
  const channel = await server.channel();
  await channel.greet();
  const { sub } = await channel.take("open");
  channel.fail(sub, 0, 404, "no-streams", "there are none here");
  await expect(opening).rejects.toMatchObject({ code: "remote-rejected", details: { status: 404 } });
});

test("what only a replica gets breaks the protocol", async () => {
  const { server, channel, stream, sub } = await opened();
  const heard = listen(stream);
  channel.send({ type: "end", sub, pull: 1 });
  await server.clock.advance(0);
  expect(heard.reasons).toEqual([expect.stringMatching(/sent end to a stream/)]);
  expect(channel.closeReason).toBeDefined();
});
