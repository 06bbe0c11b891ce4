import { foldName } from "../capture/schema-row.js";
import type { DatabaseImage } from "./database-image.js";
import type { ImageSchema } from "./image-difference.js";
import { ImagePages } from "./image-pages.js";
import { readSchemaEntries, SCHEMA_ROOT, type SchemaEntry } from "./image-schema.js";
import { ImageTrees, type KnownTrees } from "./image-trees.js";
import type { TreeRoots } from "./long-rows.js";

/** What is read of an image before any of its rows. */
export interface ImageState {
  readonly pages: ImagePages;
  readonly trees: ImageTrees;
  readonly schema: ImageSchema;
  /** Tables that have pages, by `foldName`, in the order of the schema. */
  readonly tables: ReadonlyMap<string, SchemaEntry>;
  readonly roots: TreeRoots;
}

/** Reads the schema, and the interior pages of all trees. `known`: another state of it. */
export function readImageState(image: DatabaseImage, known?: KnownTrees): ImageState {
  const pages = new ImagePages(image);
  const trees = new ImageTrees(pages, known);
  const entries = readSchemaEntries(pages, trees);
  const tables = entries.filter(({ type, root }) => type === "table" && root > 0);
  const indexes = entries.filter(({ type, root }) => type !== "table" && root > 0);
  return {
    pages,
    trees,
    schema: {
      rows: entries.map(({ type, name, table, sql }) => ({ type, name, table, sql })),
      userVersion: pages.userVersion,
      applicationId: pages.applicationId,
    },
    tables: new Map(tables.map((entry) => [foldName(entry.name), entry])),
    roots: {
      tables: [SCHEMA_ROOT, ...tables.map(({ root }) => root)],
      indexes: indexes.map(({ root }) => root),
    },
  };
}
