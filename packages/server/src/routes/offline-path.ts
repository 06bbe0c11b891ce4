import type { FrameRange } from "../offline/offline-replicas.js";

/** What an offline replica of libSQL asks for, by its path. Source: the client of libSQL, `libsql/src/sync.rs` of 0.9.30. */
export type OfflinePath =
  | { readonly type: "info" }
  | { readonly type: "export"; readonly generation: number }
  | { readonly type: "sync"; readonly range: FrameRange; readonly baton: string | undefined };

/** Most frames in one request: 16 MiB. Clients ask for 128. */
const MAX_FRAMES = 4_096;

const FORM = /^\/(?:(info)|export\/([^/]+)|sync\/([^/]+)\/([^/]+)\/([^/]+)(?:\/([^/]+))?)$/;

/** The kind of thing that is asked for; undefined for a path of something else. */
export function offlineKind(pathname: string): OfflinePath["type"] | undefined {
  const match = FORM.exec(pathname);
  if (match === null) return undefined;
  return match[1] !== undefined ? "info" : match[2] !== undefined ? "export" : "sync";
}

/** Reads a path that has a kind; what is wrong with its numbers, as a text. */
export function parseOfflinePath(pathname: string): OfflinePath | string {
  const [, info, exported, ...sync] = FORM.exec(pathname) ?? [];
  if (info !== undefined) return { type: "info" };
  if (exported !== undefined) {
    const generation = parseNumber(exported);
    return generation === undefined ? `${exported} is no generation` : { type: "export", generation };
  }
  const [generation, start, end] = sync.slice(0, 3).map(parseNumber);
  if (generation === undefined || start === undefined || end === undefined)
    return "the generation, the first frame and the end must be numbers from 1 to 4294967295";
  if (end <= start) return `there are no frames from ${start} to before ${end}`;
  if (end - start > MAX_FRAMES) return `${end - start} frames are too many: ask for ${MAX_FRAMES} at most`;
  return { type: "sync", range: { generation, start, end }, baton: sync[3] };
}

/** A number from 1 that 32 bits hold, as clients write it. */
function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const number = Number(text);
  return number < 2 ** 32 ? number : undefined;
}
