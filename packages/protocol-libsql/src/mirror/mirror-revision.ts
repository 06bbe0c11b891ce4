/** A committed state of a mirror. */
export interface MirrorRevision {
  /** 32 hexadecimal digits, as in `MirrorState`. */
  readonly history: string;
  readonly generation: number;
  /** The last frame of that generation that belongs to it; 0: none. */
  readonly frame: number;
}

const FORM = /^([0-9a-f]{32})-(\d{1,10})-(\d{1,10})$/;

/** As the engine is told: opaque to it. */
export function formatMirrorRevision({ history, generation, frame }: MirrorRevision): string {
  return `${history}-${generation}-${frame}`;
}

/** `undefined`: it is no mirror's. */
export function parseMirrorRevision(text: string): MirrorRevision | undefined {
  const [, history, generation, frame] = FORM.exec(text) ?? [];
  if (history === undefined) return undefined;
  return { history, generation: Number(generation), frame: Number(frame) };
}
