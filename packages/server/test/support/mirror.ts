import { PAGE_SIZE } from "@tributary/core";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { ServerDatabase } from "../../src/database/server-database.js";
import { formatRevision, parseRevision } from "../../src/pages/revision.js";

/** What a client would have that applies every answer: the file, rebuilt from deltas alone. */
export class Mirror {
  bytes: Uint8Array = new Uint8Array();
  revision = "";
  /** Pages that the last pull brought. */
  received = 0;

  /** Another one that knows the same. */
  copy(): Mirror {
    return Object.assign(new Mirror(), { bytes: this.bytes, revision: this.revision });
  }

  pull(database: ServerDatabase): void {
    database.sync();
    const snapshot = database.snapshots.acquireCurrent(false);
    const changed = database.log.changedSince(parseRevision(this.revision));
    const pageIds = changed ?? Uint32Array.from({ length: snapshot.databaseSize }, (_, index) => index);
    const pages = new Uint8Array(pageIds.length * PAGE_SIZE);
    database.readPages(snapshot, pageIds, pages);
    const bytes = new Uint8Array(snapshot.databaseSize * PAGE_SIZE);
    bytes.set(this.bytes.subarray(0, bytes.length));
    pageIds.forEach((pageId, index) => {
      bytes.set(pages.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE), pageId * PAGE_SIZE);
    });
    this.bytes = bytes;
    this.revision = formatRevision(snapshot.revision);
    this.received = pageIds.length;
    database.snapshots.release(snapshot);
  }

  /** Byte for byte what another connection would back up. */
  expectSameAs(path: string): void {
    const connection = new Database(path, { readonly: true });
    const expected = connection.serialize();
    connection.close();
    expect(this.bytes.length).toBe(expected.length);
    for (let offset = 0; offset < expected.length; offset += PAGE_SIZE) {
      const page = this.bytes.subarray(offset, offset + PAGE_SIZE);
      if (Buffer.compare(page, expected.subarray(offset, offset + PAGE_SIZE)) !== 0) {
        expect.fail(`page id ${offset / PAGE_SIZE} differs`);
      }
    }
  }
}
