import type { ServerClock, ServerTimer } from "../server-clock.js";

/** Options of {@link PulledBody}. */
export interface PulledBodyOptions {
  /** Makes the next piece; undefined: there are no more. */
  readonly next: () => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Called once, when nothing is asked for any more. */
  readonly onEnd: () => void;
  /** How long a client may take to take a piece, ms; 0: for ever. */
  readonly stallTimeoutMs: number;
  readonly clock: ServerClock;
}

/**
 * A body of many pieces, each made only when the one before has been taken. A client that takes nothing for too long gets no
 * more of it. Whoever has one reads it to its end, or ends it.
 */
export class PulledBody {
  readonly #options: PulledBodyOptions;
  #timer: ServerTimer | undefined;
  #isOver = false;
  #failure: Error | undefined;
  /** Called where it fails while no piece is asked for. To be set by whoever sends it. */
  onStall: (failure: Error) => void = () => {};

  constructor(options: PulledBodyOptions) {
    this.#options = options;
    this.#watch();
  }

  /** The next piece; undefined at the end. Not to be called while one is awaited. What fails is over. */
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.#timer?.cancel();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isOver) return undefined;
    try {
      const piece = this.#options.next();
      if (!(piece instanceof Promise)) return this.#give(piece);
      return piece.then(
        (made) => this.#give(made),
        (error: unknown) => {
          this.end();
          throw error;
        },
      );
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Nobody asks for any more. Calling it again does nothing. */
  end(): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }

  #give(piece: Uint8Array | undefined): Uint8Array | undefined {
    if (piece === undefined) this.end();
    else if (!this.#isOver) this.#watch();
    return piece;
  }

  #watch(): void {
    const { clock, stallTimeoutMs } = this.#options;
    if (stallTimeoutMs === 0) return;
    this.#timer = clock.startTimer(stallTimeoutMs, () => {
      this.end();
      this.#failure = new Error(`the client took nothing for ${stallTimeoutMs} ms`);
      this.onStall(this.#failure);
    });
  }
}
