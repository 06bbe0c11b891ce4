// Sends one file to whoever asks, and its port to whoever started it.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const http = createServer((_request, response) => {
  createReadStream(process.argv[2] as string, { highWaterMark: 256 * 1024 }).pipe(response);
});
http.listen(0, "127.0.0.1", () => process.send?.((http.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
