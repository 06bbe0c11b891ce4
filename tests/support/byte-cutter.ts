import { Duplex, PassThrough, Transform } from "node:stream";

/** Streams in memory, the first pair of which is cut after so many bytes of both directions together. */
export interface ByteCutter {
  /** Bytes that have passed. */
  readonly passed: number;
  /** Two ends of a stream of bytes. */
  connect(): readonly [Duplex, Duplex];
}

export function createByteCutter(at: number): ByteCutter {
  let passed = 0;
  let isDone = false;
  const direction = (onCut: () => void): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const left = isDone ? Number.POSITIVE_INFINITY : at - passed;
        passed += chunk.length;
        if (chunk.length < left) {
          done(null, chunk);
          return;
        }
        isDone = true;
        // The start of it arrives, and then nothing more.
        this.push(chunk.subarray(0, left));
        setImmediate(onCut);
      },
    });
  return {
    get passed() {
      return passed;
    },
    connect() {
      const ends: Duplex[] = [];
      const cut = (): void => {
        for (const end of ends) end.destroy(new Error("cut by the test"));
      };
      const [up, down] = [direction(cut), direction(cut)];
      const [fromClient, fromServer] = [new PassThrough(), new PassThrough()];
      const client = Duplex.from({ writable: fromClient, readable: fromServer.pipe(down) });
      const server = Duplex.from({ writable: fromServer, readable: fromClient.pipe(up) });
      ends.push(client, server);
      return [client, server];
    },
  };
}
