// Answers every request with as many bytes as an empty pull has, and sends its port to whoever started it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const REVISION = "0".repeat(30);
/** A header: its length, field 1 (a text, the revision), field 2 (a number, the pages of the database). */
const ANSWER = Buffer.concat([
  Buffer.from([REVISION.length + 4, 0x0a, REVISION.length]),
  Buffer.from(REVISION),
  Buffer.from([0x10, 100]),
]);

const SQL_ANSWER = Buffer.from(JSON.stringify({ baton: null, results: [] }));

const http = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  request.resume().on("end", () => {
    const answer = request.url === "/pull-updates" ? ANSWER : SQL_ANSWER;
    response.writeHead(200, { "content-type": "application/protobuf", "content-length": answer.length });
    response.end(answer);
  });
});
http.listen(0, "127.0.0.1", () => process.send?.((http.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
