import type { RequestReport, ServerStatus } from "@tributary/server";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { DatabaseMetrics } from "./database-metrics.js";

/** Bytes that all connections have sent and received. */
export interface NetworkTotals {
  readonly received: number;
  readonly sent: number;
}

/** What the metrics are made of. */
export interface MetricsSources {
  readonly version: string;
  /** Databases that are told apart, at most. */
  readonly maxDatabases: number;
  status(): ServerStatus;
  network(): NetworkTotals;
}

/** Routes are few by themselves; a mistake there must not fill the memory. */
const MAX_ROUTES = 100;
const PREFIX = "tributary_";
/** From 1 ms to the longest wait for a commit, s. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** The metrics of one server, in a registry of its own. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"route">;
  readonly #requestBytes: Counter<"route">;
  readonly #responseBytes: Counter<"route">;
  readonly #routes = new Set<string>();

  constructor(sources: MetricsSources) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: `${PREFIX}requests_total`,
      help: "Requests that were answered.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: `${PREFIX}request_duration_seconds`,
      help: "Time from a request to the beginning of its answer. Waiting for a commit counts.",
      labelNames: ["route"],
      buckets: BUCKETS,
      registers,
    });
    this.#requestBytes = new Counter({
      name: `${PREFIX}request_body_bytes_total`,
      help: "Bytes of request bodies.",
      labelNames: ["route"],
      registers,
    });
    this.#responseBytes = new Counter({
      name: `${PREFIX}response_body_bytes_total`,
      help: "Bytes of answers that were not streamed.",
      labelNames: ["route"],
      registers,
    });
    this.#addGauges(sources);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts a request. */
  record({ method, route, status, durationMs, requestBytes, responseBytes }: RequestReport): void {
    const name = this.#boundedRoute(route);
    this.#requests.inc({ method: /^[A-Z]{1,10}$/.test(method) ? method : "other", route: name, status });
    this.#durations.observe({ route: name }, durationMs / 1_000);
    this.#requestBytes.inc({ route: name }, requestBytes);
    this.#responseBytes.inc({ route: name }, responseBytes ?? 0);
  }

  /** The text that Prometheus reads, and its content type. */
  async render(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  #boundedRoute(route: string): string {
    if (this.#routes.size < MAX_ROUTES) this.#routes.add(route);
    return this.#routes.has(route) ? route : "other";
  }

  #addGauges({ version, maxDatabases, status, network }: MetricsSources): void {
    const registers = [this.#registry];
    // One look at the server for each scrape: gauges are collected at the same time.
    let looked: { readonly at: number; readonly status: ServerStatus } | undefined;
    const look = (): ServerStatus => {
      const at = performance.now();
      if (looked === undefined || at - looked.at > 100) looked = { at, status: status() };
      return looked.status;
    };
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    };
    const total = (name: string, help: string, value: () => number): void => {
      new Counter({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    };
    new Gauge({
      name: `${PREFIX}build_info`,
      help: "The version that runs.",
      labelNames: ["version"],
      registers,
    }).set({ version }, 1);
    gauge("requests_in_progress", "Requests that are being served.", () => look().requests);
    gauge("sockets", "WebSockets that are open.", () => look().sockets);
    gauge("workers_running", "Processes that run SQL.", () => look().workers.running);
    gauge("workers_busy", "Those of them that do so now.", () => look().workers.busy);
    gauge("workers_waiting", "Requests that wait for a process.", () => look().workers.waiting);
    gauge("databases_open", "Databases that are open.", () => look().databases.length);
    total("network_received_bytes_total", "Bytes received, on all connections.", () => network().received);
    total("network_sent_bytes_total", "Bytes sent, on all connections.", () => network().sent);
    new DatabaseMetrics(this.#registry, PREFIX, maxDatabases, () => look().databases);
  }
}
