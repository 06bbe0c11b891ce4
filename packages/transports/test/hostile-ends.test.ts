import { createRandom, fuzzDecoder, mutateBytes } from "@tributary/testkit";
import { expect, test } from "vitest";
import { recordChannel } from "../../../tests/support/recorded-channel.js";
import { encodeClose, encodeFrame, FrameKind } from "../src/frames.js";
import { createPortChannel } from "../src/index.js";
import {
  EventStreamParser,
  encodeEvent,
  KEEP_ALIVE,
  type StreamEvent,
} from "../src/server-sent-events/event-stream-format.js";
import { ask, pairOf } from "./support/event-stream-pair.js";

const MAX_LINE_LENGTH = 300;
const OPEN = JSON.stringify({ session: "s", idleTimeoutMs: 60_000, maxMessageBytes: 1_000 });
const EVENTS = [
  encodeEvent({ name: "open", data: OPEN }),
  KEEP_ALIVE,
  encodeEvent({ name: "", data: "YWJj" }),
  Buffer.from('id: 1\r\nretry: 5\r\nevent: close\r\ndata: "bye"\r\ndata: ä\r\n\r\n'),
];

function eventsOf(pieces: readonly Uint8Array[]): StreamEvent[] {
  const parser = new EventStreamParser(MAX_LINE_LENGTH);
  const events: StreamEvent[] = [];
  for (const piece of pieces) for (const event of parser.push(piece)) events.push(event);
  return events;
}

test("an event stream is read the same however it is cut, or refused, and no event is too long", () => {
  const report = fuzzDecoder<Uint8Array>({
    name: "event stream",
    count: 2_000,
    makeInput: (random) => mutateBytes([Buffer.concat(EVENTS), ...EVENTS], random),
    decode: (input) => {
      const events = eventsOf([input]);
      expect(eventsOf([...input].map((byte) => Uint8Array.of(byte)))).toEqual(events);
      for (const { name, data } of events)
        expect(name.length + data.length).toBeLessThan(2 * MAX_LINE_LENGTH);
    },
    isExpectedError: (error) => error instanceof RangeError,
  });
  expect(report.accepted).toBeGreaterThan(500);
});

test("fields that only begin as ours do are not ours", () => {
  expect(eventsOf([Buffer.from("database: 1\ndata\nevents: x\ndata: 2\n\n")])).toEqual([
    { name: "", data: "\n2" },
  ]);
});

test("requests with whatever in them are answered, and messages come only whole, in order, once", async () => {
  const body = Buffer.concat([1, 2, 3].map((byte) => encodeFrame(FrameKind.message, Uint8Array.of(byte))));
  const seen = new Set<number>();
  const random = createRandom(1);
  for (let round = 0; round < 100; round++) {
    const input = mutateBytes([body, Buffer.concat([body, encodeClose("bye")])], random);
    const { client, server, acceptor, requests } = await pairOf(undefined, { maxMessageBytes: 64 });
    const { log, untilCount } = recordChannel(server);
    client.send(Uint8Array.of(0));
    await untilCount(1);
    const session = requests[1]?.headers.get("tributary-session") ?? "";
    for (const first of ["2", "1", "-1", "1e3", "99999999999999999999", String(random.below(9))]) {
      const headers = { "tributary-session": session, "tributary-first": first };
      const { status } = await ask(acceptor, { method: "POST", headers, body: new Uint8Array(input) });
      seen.add(status);
      expect([204, 400, 409, 410]).toContain(status);
    }
    client.close();
    server.close();
    // Each frame takes five bytes at least; those of the repeats are left out.
    expect(log.length).toBeLessThan(3 + 2 * (input.length / 5));
  }
  expect([...seen].sort()).toEqual([204, 400, 409, 410]);
});

test("whatever comes over a port, nothing is thrown", async () => {
  const values = [
    new Uint8Array(3),
    new ArrayBuffer(3),
    0,
    -1,
    Number.POSITIVE_INFINITY,
    2n,
    "",
    "bye",
    null,
    undefined,
    {},
    [],
  ];
  const random = createRandom(1);
  for (let round = 0; round < 200; round++) {
    const port = Object.assign(new EventTarget(), { postMessage() {} });
    const channel = createPortChannel(port);
    const { log } = recordChannel(channel);
    channel.send(new Uint8Array(1));
    for (let count = 0; count < 6; count++) {
      port.dispatchEvent(new MessageEvent("message", { data: values[random.below(values.length)] }));
      channel.send(new Uint8Array(1));
    }
    await Promise.resolve();
    expect(log.filter((entry) => entry.startsWith("close")).length).toBeLessThan(2);
  }
});
