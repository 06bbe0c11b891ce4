// What the documents say must be so: every invariant of docs/SPEC.md names tests that exist, and docs/ERRORS.md has one
// heading for every error code. docs/SERVER.md has every option and error code of the server.
import { existsSync, readFileSync } from "node:fs";

const problems = [];

const spec = readFileSync("docs/SPEC.md", "utf8");
const invariants = [...spec.matchAll(/^### (I[0-9]+)\b(.*)\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)];
if (invariants.length === 0) problems.push("docs/SPEC.md has no invariants");
invariants.forEach(([, name, , body], index) => {
  if (name !== `I${index + 1}`) problems.push(`docs/SPEC.md: ${name} comes where I${index + 1} should`);
  const tests = [...body.matchAll(/^- `([^`]+\.ts)`: \*(.+)\*$/gm)];
  if (tests.length === 0) problems.push(`docs/SPEC.md: ${name} names no test`);
  for (const [, file, title] of tests) {
    if (!existsSync(file)) problems.push(`docs/SPEC.md: ${name} names ${file}, which is not there`);
    else if (!readFileSync(file, "utf8").includes(title))
      problems.push(`docs/SPEC.md: ${name} names a test that ${file} does not have: ${title}`);
  }
});

const codes = [
  ...readFileSync("packages/core/src/errors/sync-error.ts", "utf8")
    .split("ERROR_BLAME = {")[1]
    .split("}")[0]
    .matchAll(/^\s*"?([a-z-]+)"?: "/gm),
].map(([, code]) => code);
const headings = [...readFileSync("docs/ERRORS.md", "utf8").matchAll(/^## (.+)$/gm)].map(
  ([, title]) => title,
);
if (codes.length === 0) problems.push("no error codes were found");
for (const code of codes)
  if (!headings.includes(code)) problems.push(`docs/ERRORS.md has no heading ${code}`);
for (const title of headings)
  if (!codes.includes(title)) problems.push(`docs/ERRORS.md has a heading ${title}, which is no error code`);

// Tables of docs/SERVER.md: the options and the error codes of the server.
const server = readFileSync("docs/SERVER.md", "utf8");
const named = new Set([...server.matchAll(/`([a-zA-Z-]+)`/g)].map(([, name]) => name));
const options = [
  ...readFileSync("packages/server/src/sync-server-options.ts", "utf8")
    .split("export interface SyncServerOptions {")[1]
    .split("\n}")[0]
    .matchAll(/^ {2}readonly ([a-zA-Z]+)\??:/gm),
];
const serverCodes = [
  ...readFileSync("packages/server/src/server-error.ts", "utf8")
    .split("export type ServerErrorCode =")[1]
    .split(";")[0]
    .matchAll(/^\s*\| "([a-z-]+)"/gm),
];
if (options.length === 0 || serverCodes.length === 0)
  problems.push("no options or codes of the server were found");
for (const [, name] of [...options, ...serverCodes])
  if (!named.has(name)) problems.push(`docs/SERVER.md does not tell of ${name}`);

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
