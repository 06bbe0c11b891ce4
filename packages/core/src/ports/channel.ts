/**
 * What became of a message. `sent`: it is taken; the transport may still lose it with the channel. `full`: it is taken
 * too, but nothing more is to be sent before `onDrain`. `closed`: it was not taken, and nothing will be any more.
 */
export type SendOutcome = "sent" | "full" | "closed";

/** What a channel tells its owner. */
export interface ChannelEvents {
  /** A whole message, in the order in which they were sent, each once. The bytes are the receiver's to keep. */
  onMessage(message: Uint8Array): void;
  /** After `full`: there is room again. */
  onDrain(): void;
  /** Once, whichever end has closed it, or the network has; nothing is told afterwards. The reason is for people. */
  onClose(reason: string): void;
}

/**
 * One end of a duplex of whole messages, over whatever transport: WebSocket, MessagePort, a pipe, memory. Reliable and in
 * order for as long as it lasts; who wants more than that, numbers and acknowledges. Messages of up to 1 MiB must pass.
 */
export interface Channel {
  /** Begins to deliver. What came before is kept, and delivered then; call it once, soon. */
  listen(events: ChannelEvents): void;
  /** Takes one message. Never throws, never blocks; the caller may reuse the bytes when it returns. */
  send(message: Uint8Array): SendOutcome;
  /**
   * Ends both directions; what was taken before is still delivered if the transport can. From here on the owner is told of
   * the end only, and not before this returns. Calling it again does nothing.
   */
  close(reason?: string): void;
}
