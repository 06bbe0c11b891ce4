import { readFile } from "node:fs/promises";
import { ServerError } from "@tributary/server";
import { type JwtKeys, parseJwtKeys } from "./jwt-keys.js";

/**
 * The public keys in a file, as `parseJwtKeys` reads them. Throws `ServerError` "invalid-option", which names the file and
 * what is wrong with it.
 */
export async function loadJwtKeys(path: string): Promise<JwtKeys> {
  try {
    return parseJwtKeys(await readFile(path, "utf8"));
  } catch (error) {
    throw new ServerError("invalid-option", `the keys in ${path} cannot be used: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
