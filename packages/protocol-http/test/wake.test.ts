import { encodePageMessage } from "@tributary/wire";
import { describe, expect, it } from "vitest";
import { errorOf, failure, PULL, setUpProtocol, TRANSPORTS } from "./test-protocol.js";
import {
  type Answer,
  header,
  PROTOBUF,
  page,
  pullBody,
  sayNothing,
  sendPull,
  sendStatus,
} from "./test-remote.js";

const WAITING = { clientRevision: "r0", longPollTimeoutMs: 60_000 };

/** Notes when a request is there, and then answers it. */
function noting(answer: Answer): { answer: Answer; reached: Promise<void> } {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    reached,
    answer: (response, request) => {
      reach();
      answer(response, request);
    },
  };
}

describe.each(TRANSPORTS)("waking a long-poll with %s", (_name, transport) => {
  const context = setUpProtocol(transport);

  it("ends it with nothing, as of the client's own revision", async () => {
    const { answer, reached } = noting(sayNothing);
    context.remote.answers = [answer, sendPull(pullBody(2, [1]))];
    const protocol = context.open();
    const waiting = protocol.startPull(WAITING);
    await reached;
    protocol.wake();
    const { pull, header } = await waiting;
    expect(header.revision).toBe("r0");
    expect(await protocol.receivePages(pull)).toBeUndefined();
    await protocol.endPull(pull);
    const next = await protocol.startPull(WAITING);
    expect(next.header.revision).toBe("r1");
    await protocol.endPull(next.pull);
  });

  it("ends it before it was sent, and one that is being tried again", async () => {
    context.remote.answers = [sendStatus(503), sayNothing];
    const protocol = context.open();
    const waiting = protocol.startPull(WAITING);
    protocol.wake();
    expect((await waiting).header.revision).toBe("r0");
    expect(context.remote.requests).toHaveLength(0);
    const again = protocol.startPull(WAITING);
    context.clock.onSleep = () => protocol.wake();
    expect((await again).header.revision).toBe("r0");
    expect(context.remote.requests).toHaveLength(1);
  });

  it("leaves alone an answer that has begun to come, and its signal can still end it", async () => {
    let more = (): void => {};
    context.remote.answers = [
      (response) => {
        response.writeHead(200, PROTOBUF);
        response.write(header(3));
        more = () => void response.write(Buffer.concat([encodePageMessage(1, page(1))]));
      },
    ];
    const protocol = context.open();
    const controller = new AbortController();
    const remote = protocol.withSignal(controller.signal);
    const { pull, header: head } = await remote.startPull(WAITING);
    protocol.wake();
    expect(head.revision).toBe("r1");
    const receiving = remote.receivePages(pull);
    more();
    protocol.wake();
    controller.abort();
    expect(await errorOf(receiving)).toEqual(failure("aborted"));
    await remote.endPull(pull);
  });

  it("ends neither pulls that do not wait nor those that bring everything", async () => {
    for (const request of [PULL, { ...PULL, clientRevision: "r0" }, { longPollTimeoutMs: 60_000 }]) {
      let answer = (): void => {};
      const { answer: noted, reached } = noting((response, seen) => {
        answer = () => sendPull(pullBody(2, [1]))(response, seen);
      });
      context.remote.answers = [noted];
      context.remote.requests.length = 0;
      const protocol = context.open();
      const pulling = protocol.startPull(request);
      await reached;
      protocol.wake();
      answer();
      const { pull, header } = await pulling;
      expect(header.revision).toBe("r1");
      await protocol.endPull(pull);
    }
  });

  it("is not taken for the caller's own end", async () => {
    const { answer, reached } = noting(sayNothing);
    context.remote.answers = [answer];
    const controller = new AbortController();
    const protocol = context.open();
    const waiting = errorOf(protocol.withSignal(controller.signal).startPull(WAITING));
    await reached;
    controller.abort();
    protocol.wake();
    expect(await waiting).toEqual(failure("aborted"));
  });
});
