import { SyncError } from "../errors/sync-error.js";
import { decodeChangePackage } from "./package-binary.js";
import { parseChangePackage } from "./package-json.js";
import { becomeSpoke, type PackageReceiver, receivePackage } from "./receive-package.js";
import { SchemaState } from "./schema-state.js";
import type { StreamHost } from "./stream-host.js";
import type { AppliedPackage, InboundStreamOptions, PackagePayload } from "./stream-options.js";
import { positionOf, readSource } from "./stream-source.js";
import { ensureStreamTables } from "./stream-state.js";
import { trimInTransaction } from "./trim-tape.js";

/** Packages between two looks at whether the tape has become too long: what is applied is on it, too. */
const PACKAGES_PER_TRIM = 16;

/**
 * Applies the packages of one sender, in their order, each once. All that it knows is in the database, so that any number of
 * streams for one sender are one.
 */
export class InboundStream {
  readonly #host: StreamHost;
  readonly #receiver: PackageReceiver;
  #untilTrim = PACKAGES_PER_TRIM;

  /**
   * Fails with `invalid-option`; with `database-busy` where it is the first stream of the database, or the first with
   * `rebase`; with `invalid-state` for `rebase` in a database that is a spoke of another hub, or has other receivers.
   */
  constructor(host: StreamHost, site: string, options: InboundStreamOptions) {
    checkOptions(site, options);
    this.#host = host;
    const trim = trimInTransaction.bind(undefined, host);
    this.#receiver = {
      site,
      options,
      schema: new SchemaState(),
      captured: null,
      afterApply: function* (this: InboundStream) {
        this.#untilTrim--;
        if (this.#untilTrim > 0) return;
        this.#untilTrim = PACKAGES_PER_TRIM;
        yield* trim();
      }.bind(this),
    };
    host.run(ensureStreamTables((count) => host.randomBytes(count)));
    if (options.rebase === true) host.run(becomeSpoke(options.from));
  }

  /** Where the next package is to begin; `undefined`: nothing of the sender is here yet. */
  get position(): { readonly epoch: number; readonly cursor: number } | undefined {
    const { from } = this.#receiver.options;
    return this.#host.run(
      (function* () {
        return positionOf(yield* readSource(from));
      })(),
    );
  }

  /**
   * Applies a package and moves the cursor, in one transaction, durably; or keeps it until its transaction is complete.
   * When it fails, nothing has changed, and the same package can be applied again.
   *
   * Fails with `damaged-package`; with `invalid-state` for one of another sender; with `stream-gap`, whose details tell
   * where the next is to begin, for one that is not the next, and `stream-restarted` for one of another epoch; with
   * `schema-mismatch` or `replay-conflict` when it has no place among the tables or rows here; with `database-busy`
   * while the app has a transaction or a query open.
   */
  apply(payload: PackagePayload): AppliedPackage {
    const isText = typeof payload === "string";
    const change = isText ? parseChangePackage(payload) : decodeChangePackage(payload);
    const result = this.#host.run(receivePackage(this.#receiver, change, isText ? undefined : payload));
    if (result.status === "applied") this.#host.onApplied();
    return result;
  }
}

function checkOptions(site: string, { from, since, rebase, applyParts }: InboundStreamOptions): void {
  const problem =
    typeof from !== "string" || from === ""
      ? "`from` must name the site that sends"
      : from === site
        ? "`from` must be another site"
        : since !== undefined && !(Number.isSafeInteger(since) && since >= 0)
          ? "`since` must be a cursor, a whole number"
          : rebase === true && applyParts === true
            ? "`rebase` and `applyParts` exclude each other"
            : undefined;
  if (problem !== undefined) throw new SyncError("invalid-option", `createInboundStream: ${problem}.`);
}
