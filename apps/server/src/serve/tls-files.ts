import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { UsageError } from "../options/usage-error.js";

/** A certificate with its chain, and its private key, as PEM. */
export interface TlsCredentials {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads and checks them. Rejects with an error that names the files and repeats none of them. */
export async function readTlsFiles(certPath: string, keyPath: string): Promise<TlsCredentials> {
  const [cert, key] = await readBoth(certPath, keyPath);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const { code = "invalid" } = error as { readonly code?: string };
    throw new Error(
      `the certificate ${certPath} and the private key ${keyPath} cannot be used together (${code}): both must be PEM, ` +
        "and the key that of the certificate, without a passphrase",
    );
  }
  return { cert, key };
}

async function readBoth(certPath: string, keyPath: string): Promise<[cert: Buffer, key: Buffer]> {
  const [cert, key] = await Promise.allSettled([read(certPath, "certificate"), read(keyPath, "private key")]);
  if (cert.status === "fulfilled" && key.status === "fulfilled") return [cert.value, key.value];
  const failures = [cert, key].flatMap((result) =>
    result.status === "rejected" ? [result.reason as Error] : [],
  );
  throw new UsageError(failures.map(({ message }) => message));
}

async function read(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`the ${what} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
