import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Makes a certificate for 127.0.0.1, and gives the paths of it and its key. */
export function selfSigned(directory: string, name: string): { readonly cert: string; readonly key: string } {
  const cert = join(directory, `${name}.pem`);
  const key = join(directory, `${name}.key`);
  execFileSync(
    "openssl",
    // biome-ignore format: pairs
    [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert,
    ],
    { stdio: "pipe" },
  );
  return { cert, key };
}
