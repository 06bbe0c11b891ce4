// No source file is longer than 400 lines, generated code apart: a longer one has more than one subject.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const LIMIT = 400;
const files = execFileSync("git", ["ls-files", "*.ts", "*.mjs", "*.js"], { encoding: "utf8" })
  .trim()
  .split("\n");
const long = files
  .filter((file) => !file.includes("/gen/"))
  .map((file) => ({ file, lines: readFileSync(file, "utf8").split("\n").length - 1 }))
  .filter(({ lines }) => lines > LIMIT);
for (const { file, lines } of long) console.error(`${file} has ${lines} lines, more than ${LIMIT}`);
process.exit(long.length === 0 ? 0 : 1);
