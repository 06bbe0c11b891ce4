import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What a baton says: which stream it continues, and after which of its answers. */
export interface BatonContent {
  /** 16 hexadecimal digits. */
  readonly streamId: string;
  readonly turn: number;
}

const CONTENT_BYTES = 12;
const SIGNATURE_BYTES = 32;

/** Makes batons and reads them back. The key lives as long as the server: after a restart all batons are invalid. */
export class BatonCodec {
  readonly #key: Uint8Array = randomBytes(32);

  encode({ streamId, turn }: BatonContent): string {
    const content = Buffer.alloc(CONTENT_BYTES);
    content.write(streamId, 0, "hex");
    content.writeUInt32BE(turn, 8);
    return Buffer.concat([content, this.#sign(content)]).toString("base64url");
  }

  /** Undefined for what this server has not made. */
  decode(baton: string): BatonContent | undefined {
    const bytes = Buffer.from(baton, "base64url");
    if (bytes.length !== CONTENT_BYTES + SIGNATURE_BYTES) return undefined;
    const content = bytes.subarray(0, CONTENT_BYTES);
    if (!timingSafeEqual(this.#sign(content), bytes.subarray(CONTENT_BYTES))) return undefined;
    return { streamId: content.toString("hex", 0, 8), turn: content.readUInt32BE(8) };
  }

  #sign(content: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(content).digest();
  }
}
