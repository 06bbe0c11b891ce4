import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The `tursodb` that the npm package `turso` brings for this platform. Throws where it brings none. */
export function tursoBinary(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("turso/package.json"));
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-gnu" : ""}`;
  return join(dirname(require.resolve(`@tursodatabase/cli-${platform}/package.json`)), "tursodb");
}
