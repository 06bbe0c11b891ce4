import type { ReplicaEvent } from "./replica-process.js";
import type { Source } from "./source.js";

/** What a replica's process has acknowledged, over all its lives. */
export class ReplicaJournal {
  readonly source: Source;
  /** Transactions whose commit has returned. */
  committed = 0;
  /** The last transaction that a push that has resolved took along. */
  pushed = 0;
  /** The last one that it may have written. */
  begun = 0;
  #pushing = 0;

  constructor(source: Source) {
    this.source = source;
  }

  take([name, ...details]: ReplicaEvent): void {
    if (name === "commit") this.committed = Number(details[0]);
    else if (name === "push-begins" || name === "sync-begins") this.#pushing = this.committed;
    else if (name === "push" || name === "sync") this.pushed = this.#pushing;
  }

  /** What the files were found to hold: a commit may be durable before anybody heard of it. */
  found(n: number): void {
    this.committed = n;
    this.begun = n;
  }
}
