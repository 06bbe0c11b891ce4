import type { Channel } from "@tributary/core";

/** What a channel has told, as text. */
export interface Recorded {
  readonly log: string[];
  /** Waits until it has told so much. */
  untilCount(count: number): Promise<void>;
}

/** Listens to a channel. */
export function recordChannel(channel: Channel): Recorded {
  const log: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const add = (entry: string): void => {
    log.push(entry);
    for (const { count, resolve } of waiting) if (log.length >= count) resolve();
  };
  channel.listen({
    onMessage: (message) => add(`message ${Buffer.from(message).toString()}`),
    onDrain: () => add("drain"),
    onClose: (reason) => add(`close ${reason}`),
  });
  return {
    log,
    untilCount(count) {
      if (log.length >= count) return Promise.resolve();
      return new Promise((resolve) => void waiting.push({ count, resolve }));
    },
  };
}
