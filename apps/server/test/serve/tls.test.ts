import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { reloadAll } from "../../src/commands/serve.js";
import { createLogger } from "../../src/logging/create-logger.js";
import { UsageError } from "../../src/options/usage-error.js";
import { selfSigned } from "../support/self-signed.js";
import { serve } from "../support/serve.js";
import { tempDirectory } from "../support/temp-directory.js";

/** The status of /health, and the name in the certificate, which `ca` must have signed. */
function health(url: string, ca: string): Promise<{ status: number | undefined; name: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/health`, { ca: readFileSync(ca), agent: false }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().on("end", () => resolve({ status: response.statusCode, name: subject.CN as string }));
    });
    sent.on("error", reject).end();
  });
}

test("serves HTTPS, and takes another certificate when it is told to", async () => {
  const directory = tempDirectory();
  const first = selfSigned(directory, "first");
  const second = selfSigned(directory, "second");
  const [tlsCert, tlsKey] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const use = ({ cert, key }: { cert: string; key: string }): void => {
    copyFileSync(cert, tlsCert);
    copyFileSync(key, tlsKey);
  };
  use(first);
  const { url, files } = await serve({ tlsCert, tlsKey });
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/);
  expect(await health(url, first.cert)).toEqual({ status: 200, name: "first" });

  const lines: string[] = [];
  const logger = createLogger("info", "json", { write: (line) => void lines.push(line) });
  // The certificate of one with the key of the other.
  copyFileSync(second.cert, tlsCert);
  await reloadAll(files, logger);
  expect(lines.join("")).toMatch(/"level":"error".*cannot be used together/);
  expect(await health(url, first.cert)).toEqual({ status: 200, name: "first" });

  use(second);
  await reloadAll(files, logger);
  expect(lines.at(-1)).toMatch(/"level":"info".*read again/);
  expect(await health(url, second.cert)).toEqual({ status: 200, name: "second" });
  expect(lines.join("")).not.toContain("PRIVATE KEY");
});

test("files that cannot be used are named, all at once", async () => {
  const directory = tempDirectory();
  const broken = join(directory, "broken.pem");
  writeFileSync(broken, "-----BEGIN planted-----");
  const flags = { tlsCert: broken, tlsKey: broken, authTokenFile: join(directory, "none") };
  const error = await serve(flags).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).mistakes).toEqual([
    `the token file ${flags.authTokenFile} cannot be read: ENOENT`,
    expect.stringContaining(`${broken} cannot be used together`),
  ]);
  expect((error as UsageError).message).not.toContain("planted");
});
