// What `break-apply.mjs` breaks: each is one textual replacement, which has to match exactly once.
const ENGINE = "packages/core/src/engine";
const PAGES = "packages/core/src/pages";
const APPLY = `${ENGINE}/apply-changes.ts`;
const REPLICA_PAGES = `${PAGES}/wal-replica-pages.ts`;

const JOURNAL_STEP = "    yield* writeJournal(session, plan, changes);\n";
const PUBLISH_STEP = "    yield* pages.publish(plan, changes.pages, changes.databaseSize);\n";
const FLAG_STEP = `    // From here on the journal stays, whatever fails: whether the publish counts is seen from the log.
    session.applyPending = true;
`;
const REMOVE_JOURNAL = "  yield* io.removeFile(replicaFiles(session.config.path).journal);\n";
const SAVE_ADOPTED =
  "  yield* saveMetadata(session, {\n    revision: isKnown ? journal.revision : undefined,\n";
const ADOPT_STEP = `  if (!isKnown) yield* pages.forget();
  else if (isNew) yield* pages.adopt(journal.plan);
`;

/** One break. */
const breaks = {
  "the log is not synced after a publish": [
    `${PAGES}/wal-log.ts`,
    "      yield* io.syncFile(file);\n    } catch (error) {",
    "    } catch (error) {",
  ],
  "a publish that failed is not taken back later": [
    `${PAGES}/wal-log.ts`,
    "    if (this.#unrevoked !== undefined) yield* this.#takeBack(this.#unrevoked);\n",
    "",
  ],
  "revert pages are not synced": [
    REPLICA_PAGES,
    "    if (revertId !== this.#synced.revertId) yield* (images.revert as RevertFile).sync();\n",
    "",
  ],
  "settling saves no revert pages": [
    REPLICA_PAGES,
    "images.touchedPages(this.#synced).filter((page) => images.revert?.has(page) !== true)",
    "images.touchedPages(this.#synced).filter(() => false)",
  ],
  "pages that a smaller database lost do not count as touched": [
    `${PAGES}/replica-images.ts`,
    "page <= databaseSize; page++) pages.add(page);",
    "page <= 0; page++) pages.add(page);",
  ],
  "the journal is not synced": [
    "packages/core/src/tape/replay-journal.ts",
    "      yield* writer.#writeBlock(new Uint8Array(0));\n      yield* io.syncFile(file);\n",
    "      yield* writer.#writeBlock(new Uint8Array(0));\n",
  ],
  "the journal has no rows": [APPLY, "      yield* writer.add(rows);\n", "      yield* writer.add([]);\n"],
  "the journal is written after the publish": [
    APPLY,
    JOURNAL_STEP + FLAG_STEP + PUBLISH_STEP,
    PUBLISH_STEP + JOURNAL_STEP + FLAG_STEP,
  ],
  "a failed publish is not followed up": [APPLY, FLAG_STEP, ""],
  "a journal that cannot be read is passed over": [
    APPLY,
    "  session.applyPending = true;\n  const reader",
    "  const reader",
  ],
  "the journal is dropped before the replay": [
    APPLY,
    "  const isPublished = yield* pages.isPublished(journal.plan);\n",
    `  const isPublished = yield* pages.isPublished(journal.plan);\n${REMOVE_JOURNAL}`,
  ],
  "the journal is dropped before the metadata is saved": [APPLY, SAVE_ADOPTED, REMOVE_JOURNAL + SAVE_ADOPTED],
  "the journal is never dropped": [
    APPLY,
    "  yield* io.removeFile(path);\n  session.applyPending = false;",
    "  session.applyPending = false;",
  ],
  "the publish is not adopted": [APPLY, ADOPT_STEP, "  if (!isKnown) yield* pages.forget();\n"],
  "the metadata is not saved after an apply": [
    APPLY,
    SAVE_ADOPTED,
    "  if (isKnown) yield* pages.dropRevertPages();\n  else yield* saveMetadata(session, {\n    revision: undefined,\n",
  ],
  "revert pages are dropped before the metadata is saved": [
    APPLY,
    SAVE_ADOPTED,
    `  yield* pages.dropRevertPages();\n${SAVE_ADOPTED}`,
  ],
  "a journal that has come back is adopted again": [
    APPLY,
    "session.metadata.revision !== journal.revision;",
    "true;",
  ],
  "a replay that is done is not recognised": [
    APPLY,
    'const isReplayed = hasTape && (yield* readLocalValue("journalId")) === journal.id;',
    "const isReplayed = false;",
  ],
  "a publish without a replay counts as done": [
    APPLY,
    "  if (!hasTape || cameWithPages) {\n",
    "  if ((!hasTape || cameWithPages) && !isPublished) {\n",
  ],
  "a replay that failed is not undone": [APPLY, "      yield* pages.undoPublish(reader.journal.plan);\n", ""],
  "a publish has no pages to roll back": [
    `${PAGES}/publish-plan.ts`,
    "new Set([...touched].filter((page) => page <= limit && !brought.has(pageIdOf(page))))",
    "new Set<number>()",
  ],
  "connections are not told of a publish": [REPLICA_PAGES, "      yield* index.makeStale();\n", ""],
  "a publish has the schema cookie of before": [
    REPLICA_PAGES,
    "schemaCookie: nextSchemaCookie(yield* images.schemaCookie(), header.schemaCookie),",
    "schemaCookie: yield* images.schemaCookie(),",
  ],
  "a replay repeats what the remote has": [
    `${ENGINE}/replay-tape.ts`,
    "change.changeId > pushed ||",
    "change.changeId > 0 ||",
  ],
  "a replay leaves out its first change": [
    `${ENGINE}/replay-tape.ts`,
    "change.changeId > pushed ||",
    "change.changeId > pushed + 1 ||",
  ],
  "a new tape has the generation of the old one": [
    `${ENGINE}/replay-tape.ts`,
    "BigInt(journal.pullGeneration + 1)",
    "BigInt(journal.pullGeneration)",
  ],
  "a replay does not note its journal": [
    `${ENGINE}/replay-tape.ts`,
    '    setLocalValue("journalId", journal.id),\n',
    "",
  ],
  "an opening that fails checkpoints the log": [
    `${ENGINE}/open-session.ts`,
    "  yield* io.closeConnections(true);\n  yield* pages.close();",
    "  yield* io.closeConnections();\n  yield* pages.close();",
  ],
  "a first download is not synced": [`${ENGINE}/bootstrap.ts`, "  yield* io.syncFile(file);\n", ""],
  "a push is sent whatever the position": [
    `${ENGINE}/push-batch.ts`,
    "    checkMark(clientId, expected),\n",
    '    { sql: "SELECT 1", params: [] },\n',
  ],
  "a push does not note how far it came": [
    `${ENGINE}/push-batch.ts`,
    "    { sql: SET_POSITION, params: positionParams },\n",
    '    { sql: "SELECT 1", params: [] },\n',
  ],
};

export const BREAKS = Object.entries(breaks).map(([name, [file, find, replace]]) => ({
  name,
  file,
  find,
  replace,
}));
