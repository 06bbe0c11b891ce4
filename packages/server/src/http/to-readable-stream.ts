import type { PulledBody } from "./pulled-body.js";

/** A body as the web has it: nothing is made before it is asked for. */
export function toReadableStream(body: PulledBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.onStall = (failure) => controller.error(failure);
      },
      async pull(controller) {
        const piece = await body.next();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: () => body.end(),
    },
    { highWaterMark: 0 },
  );
}
