// Some of the subscribers of the job `fanOut`. Tells when all are there, and then for each commit when it came to each of them.
import { subscribe } from "../peers/subscribe.js";
import { ageOfCommit } from "./commit-marker.js";

const [url = "", count = "0"] = process.argv.slice(2);
const subscribers = Number(count);
let commit = 1;
let ages: number[] = [];

process.on("disconnect", () => process.exit());
for (let index = 0; index < subscribers; index++) {
  await subscribe("websocket", url, ({ bytes }) => {
    const age = ageOfCommit(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), commit);
    if (age === undefined) throw new Error(`pages without commit ${commit}`);
    ages.push(age);
    if (ages.length < subscribers) return;
    commit++;
    process.send?.(ages);
    ages = [];
  });
}
process.send?.([]);
