import type { SeededRandom } from "@tributary/testkit";

/** Heads of answers; the first is a good one, and the one most often given. */
const HEADS: readonly { readonly status: number; readonly headers: Record<string, string> }[] = [
  { status: 200, headers: {} },
  { status: 200, headers: { "content-type": "text/html; charset=utf-8" } },
  { status: 200, headers: { "content-encoding": "gzip" } },
  { status: 200, headers: { "content-length": "99999999999999" } },
  { status: 206, headers: {} },
  { status: 302, headers: { location: "http://[::bad" } },
  { status: 307, headers: { location: "//other.example/x?y" } },
  { status: 400, headers: {} },
  { status: 401, headers: {} },
  { status: 408, headers: {} },
  { status: 429, headers: { "retry-after": "-1" } },
  { status: 503, headers: { "retry-after": "Wed, 99 Foo 2026" } },
  { status: 599, headers: { "retry-after": "1e99" } },
];
const ENDS = ["whole", "in pieces", "broken"] as const;

/** Puts two bytes before an answer's body: which head it has, and how its body comes. */
export function withHead(body: Uint8Array, random: SeededRandom): Uint8Array {
  const head = random.chance(0.9) ? 0 : random.below(HEADS.length);
  return Buffer.concat([Uint8Array.of(head, random.chance(0.6) ? 0 : random.below(ENDS.length)), body]);
}

/** A remote that answers every request with the same: what {@link withHead} made. */
export function hostileFetch(answer: Uint8Array, contentType: string): typeof fetch {
  return async () => {
    const { status, headers } = HEADS[(answer[0] ?? 0) % HEADS.length] as (typeof HEADS)[number];
    const body = answer.slice(2);
    const end = ENDS[(answer[1] ?? 0) % ENDS.length];
    return new Response(end === "whole" ? body : inPieces(body, end === "broken"), {
      status,
      headers: { "content-type": contentType, ...headers },
    });
  };
}

function inPieces(body: Uint8Array, isBroken: boolean): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const end = at + 200 + ((body[at] ?? 0) % 7) * 300;
      if (isBroken && end * 2 > body.length) controller.error(new TypeError("terminated"));
      else if (at >= body.length) controller.close();
      else controller.enqueue(body.slice(at, end));
      at = end;
    },
  });
}
