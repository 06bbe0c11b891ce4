import type {
  HranaPipelineResponse,
  HranaStmt,
  HranaStreamRequest,
  HranaStreamResult,
} from "@tributary/wire";
import { expect } from "vitest";
import type { SyncServer } from "../../src/index.js";
import { post } from "./open-server.js";

/** One stream of Hrana over HTTP. */
export class HranaClient {
  baton: string | null = null;
  readonly #server: SyncServer;

  constructor(server: SyncServer) {
    this.#server = server;
  }

  /** Sends requests and gives the raw answer. */
  post(requests: readonly HranaStreamRequest[]): Promise<Response> {
    return post(this.#server, "/v2/pipeline", JSON.stringify({ baton: this.baton, requests }));
  }

  async send(...requests: readonly HranaStreamRequest[]): Promise<readonly HranaStreamResult[]> {
    const response = await this.post(requests);
    expect(response.status).toBe(200);
    const { baton, results } = (await response.json()) as HranaPipelineResponse;
    this.baton = baton;
    return results;
  }

  /** Runs one statement; its result, or its error. */
  async execute(stmt: HranaStmt | string): Promise<unknown> {
    const [result] = await this.send({
      type: "execute",
      stmt: typeof stmt === "string" ? { sql: stmt } : stmt,
    });
    if (result?.type === "error") return result.error;
    return result?.response.type === "execute" ? result.response.result : undefined;
  }
}
