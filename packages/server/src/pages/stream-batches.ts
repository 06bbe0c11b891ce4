import type { ServerDatabase } from "../database/server-database.js";
import type { ServerTimer } from "../server-clock.js";

/**
 * A body of many pieces, each made only when the client has taken the one before; those that are `ready` come first.
 * A client that takes nothing for `downloadStallTimeoutMs` gets an error in place of the rest: as long as it is waited
 * for, the WAL cannot be checkpointed. `onEnd` is called when nothing is read any more, perhaps more than once.
 */
export function streamBatches(
  { clock, options: { downloadStallTimeoutMs } }: Pick<ServerDatabase, "clock" | "options">,
  ready: Uint8Array[],
  nextBatch: () => Uint8Array | undefined,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  let timer: ServerTimer | undefined;
  const end = (): void => {
    timer?.cancel();
    onEnd();
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    timer?.cancel();
    if (downloadStallTimeoutMs === 0) return;
    timer = clock.startTimer(downloadStallTimeoutMs, () => {
      end();
      controller.error(new Error(`the client took nothing for ${downloadStallTimeoutMs} ms`));
    });
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      pull(controller) {
        try {
          const batch = ready.shift() ?? nextBatch();
          if (batch !== undefined) {
            controller.enqueue(batch);
            watch(controller);
            return;
          }
          end();
          controller.close();
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
