import { fail } from "node:assert/strict";
import type { Channel, ChannelEvents } from "@tributary/core";

/** Listens to one end of a channel, remembers what it is told, and waits for it. */
export class ChannelEar implements ChannelEvents {
  readonly messages: Uint8Array[] = [];
  readonly closeReasons: string[] = [];
  drains = 0;
  /** What came after the end; there is to be nothing. */
  afterClose = 0;
  /** Done with each message as it comes. */
  onEach: ((message: Uint8Array) => void) | undefined;
  readonly #patienceMs: number;
  #look: (() => void) | undefined;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  onMessage(message: Uint8Array): void {
    this.#count();
    this.messages.push(message);
    this.onEach?.(message);
    this.#look?.();
  }

  onDrain(): void {
    this.#count();
    this.drains++;
    this.#look?.();
  }

  onClose(reason: string): void {
    this.#count();
    this.closeReasons.push(reason);
    this.#look?.();
  }

  /** Waits until something holds. Fails when it does not within the time, which `what` then describes. */
  async until(holds: () => boolean, what: string, patienceMs: number = this.#patienceMs): Promise<void> {
    if (await this.holdsWithin(holds, patienceMs)) return;
    const got = `${this.messages.length} messages, ${this.drains} drains, ${this.closeReasons.length} ends`;
    fail(`${what} (after ${patienceMs} ms there were ${got})`);
  }

  /** Whether something comes to hold within the time. */
  holdsWithin(holds: () => boolean, milliseconds: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean): void => {
        clearTimeout(timer);
        this.#look = undefined;
        resolve(result);
      };
      const timer = setTimeout(() => settle(holds()), milliseconds);
      this.#look = () => {
        if (holds()) settle(true);
      };
    });
  }

  /** Sends all of them, waiting where it is told to. */
  async sendAll(channel: Channel, messages: Iterable<Uint8Array>): Promise<void> {
    for (const message of messages) {
      const drains = this.drains;
      const outcome = channel.send(message);
      if (outcome === "closed") fail("send of an open channel says that it is closed");
      if (outcome === "full") await this.until(() => this.drains > drains, "onDrain comes after full");
    }
  }

  #count(): void {
    if (this.closeReasons.length > 0) this.afterClose++;
  }
}

/** Gives timers, sockets and other threads their turn some times: long enough for what must not come to come. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => void setTimeout(resolve, 1));
}
