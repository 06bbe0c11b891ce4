import { EventStreamParser, lineLengthOf, type StreamEvent } from "./event-stream-format.js";

/** Reads the events of a response, as fast as it is asked to. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #parser: EventStreamParser;
  readonly #abort: () => void;
  #waiting: StreamEvent[] = [];
  /** What came after the last event cannot be read. */
  #failure: Error | undefined;

  /** `abort` ends the request. */
  constructor(body: ReadableStream<Uint8Array>, maxMessageBytes: number, abort: () => void) {
    this.#reader = body.getReader();
    this.#parser = new EventStreamParser(lineLengthOf(maxMessageBytes));
    this.#abort = abort;
  }

  /** Those that came, maybe none, where only a part of one or a comment did; `undefined`: the end. */
  async next(): Promise<readonly StreamEvent[] | undefined> {
    if (this.#waiting.length > 0) return this.#waiting.splice(0);
    if (this.#failure !== undefined) throw this.#failure;
    const { done, value } = await this.#reader.read();
    return done ? undefined : this.#parse(value);
  }

  /** The first event; `undefined`: there is none. */
  async first(): Promise<StreamEvent | undefined> {
    for (;;) {
      const events = await this.next();
      if (events === undefined) return undefined;
      const [first, ...others] = events;
      if (first === undefined) continue;
      this.#waiting = others;
      return first;
    }
  }

  /** What came whole before what is damaged is an event all the same. */
  #parse(bytes: Uint8Array): readonly StreamEvent[] {
    const events: StreamEvent[] = [];
    try {
      for (const event of this.#parser.push(bytes)) events.push(event);
    } catch (error) {
      this.#failure = error as Error;
    }
    return events;
  }

  cancel(): void {
    // A stream that has failed rejects with what it has failed with, which the reader was told.
    this.#reader.cancel().catch(() => {});
    this.#abort();
  }
}
