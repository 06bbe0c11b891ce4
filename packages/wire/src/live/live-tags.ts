import type { LiveKind, LiveMessage } from "./live-messages.js";

/** The first byte of each message. Those of the client are below 16, those of the server below 32. */
export const LIVE_TAGS: Readonly<Record<LiveMessage["type"], number>> = {
  hello: 1,
  token: 2,
  open: 3,
  close: 4,
  pull: 5,
  credit: 6,
  cancel: 7,
  push: 8,
  welcome: 16,
  opened: 17,
  header: 18,
  pages: 19,
  end: 20,
  pushed: 21,
  failed: 22,
  data: 32,
  ping: 33,
  pong: 34,
};

/** By their number. */
export const LIVE_KINDS: readonly LiveKind[] = ["replica", "stream"];
