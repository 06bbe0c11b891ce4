import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { toUuid } from "./frame-position.js";

/**
 * What a client gets with the answer to its hello, and shows from then on: that it has seen which log there is. Nothing is
 * kept for it: a token is made from the database and its log, so that it ends with either, and with the server.
 */
export class SessionTokens {
  readonly #key: Uint8Array = randomBytes(32);

  /** The text of a UUID: clients take nothing else. */
  tokenOf(database: string, logId: string): string {
    return toUuid(createHmac("sha256", this.#key).update(`${logId} ${database}`).digest());
  }

  isValid(token: string, database: string, logId: string): boolean {
    const expected = Buffer.from(this.tokenOf(database, logId));
    const given = Buffer.from(token);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
