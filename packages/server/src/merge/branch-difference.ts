import {
  type DatabaseImage,
  findShadowTables,
  foldName,
  type ImageDifference,
  type TableDifference,
} from "@tributary/core";
import type { MergeImages } from "../offline/branch-store.js";
import { compareWithScratch } from "./compare-with-scratch.js";
import { findSchemaDifference, type SchemaDifference } from "./schema-difference.js";

/** What a replica did between two images: found without the database, so nobody has to wait for that. */
export class BranchDifference {
  readonly images: MergeImages;
  readonly rows: ImageDifference;
  readonly schema: SchemaDifference;
  /** By folded name of the shadow table, the name of its virtual table. */
  readonly #shadows: ReadonlyMap<string, string>;
  #whole: ImageDifference | undefined;

  /** Throws `ImageDamage`, and what reading the images throws. */
  constructor(images: MergeImages) {
    this.images = images;
    this.rows = compare(images, images.before);
    const schemas = [this.rows.before.rows, this.rows.after.rows];
    this.#shadows = new Map(schemas.flatMap((rows) => [...findShadowTables(rows)]));
    this.schema = findSchemaDifference(this.rows, (table) => this.#shadows.has(foldName(table)));
  }

  /** Folded name of the virtual table that keeps its content in a table. */
  virtualOf(table: string): string | undefined {
    const virtual = this.#shadows.get(foldName(table));
    return virtual === undefined ? undefined : foldName(virtual);
  }

  /** Folded names of all tables that a virtual table, by its folded name, keeps its content in. */
  shadowsOf(virtual: string): readonly string[] {
    return [...this.#shadows.keys()].filter((name) => this.virtualOf(name) === virtual);
  }

  /** All rows of those tables, as they are after. */
  allRowsOf(virtual: string): readonly TableDifference[] {
    this.#whole ??= compare(this.images, undefined);
    return this.#whole.tables.filter(({ shape }) => this.virtualOf(shape.table) === virtual);
  }
}

function compare({ after, changedPages }: MergeImages, before: DatabaseImage | undefined): ImageDifference {
  return compareWithScratch({ before, after, changedPages: before && changedPages });
}
