import type { ChangeStreams } from "@tributary/live";
import type { HubLink } from "./hub-options.js";

/** A link of the hub, and what it leads to. */
export interface LinkedSite extends HubLink {
  readonly streams: ChangeStreams;
  close(): void;
}

/** The links of all channels of a hub: one for each site and database. */
export class LinkedSites {
  readonly #links = new Set<LinkedSite>();

  get links(): readonly HubLink[] {
    return Array.from(this.#links, ({ database, position }) => ({ database, position }));
  }

  add(linked: LinkedSite): void {
    this.#links.add(linked);
  }

  delete(linked: LinkedSite): void {
    this.#links.delete(linked);
  }

  /**
   * Ends the link that the same site had before: its network is gone, and nobody has noticed. With two of them, each would
   * move the position that the other counts on.
   */
  replace(linked: LinkedSite, site: string): void {
    for (const other of [...this.#links]) {
      if (other !== linked && other.streams === linked.streams && other.position.peer === site) other.close();
    }
  }
}
