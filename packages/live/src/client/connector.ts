import { type Channel, SyncError } from "@tributary/core";
import { ClientConnection } from "./client-connection.js";
import type { LiveClientState } from "./live-client.js";
import { isUnauthenticated } from "./live-failure.js";
import { askToken, type LiveSettings } from "./live-settings.js";
import { within } from "./within.js";

/** Has at most one connection, and makes one when it is asked for. */
export class Connector {
  readonly #settings: LiveSettings;
  readonly #listeners = new Set<(state: LiveClientState) => void>();
  readonly #closing = new AbortController();
  #state: LiveClientState = { state: "idle" };
  #connecting: Promise<ClientConnection> | undefined;
  #connection: ClientConnection | undefined;

  constructor(settings: LiveSettings) {
    this.#settings = settings;
  }

  get state(): LiveClientState {
    return this.#state;
  }

  onStateChange(listener: (state: LiveClientState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The open connection, or a new one; tried once, for all who ask meanwhile. Rejects with `SyncError`. */
  connect(): Promise<ClientConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(closed());
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** Closes the connection; there will be no other. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(closed());
    this.#connection?.close(closed());
    this.#setState({ state: "closed", error: closed() });
    this.#listeners.clear();
  }

  async #connect(): Promise<ClientConnection> {
    this.#setState({ state: "connecting" });
    try {
      const connection = await this.#open();
      // It may have been closed between the welcome and now, when nobody could be told.
      if (connection.error !== undefined) throw connection.error;
      this.#setState({ state: "open" });
      return connection;
    } catch (cause) {
      const error = this.#closing.signal.aborted ? closed() : this.#toSyncError(cause);
      this.#connecting = undefined;
      this.#setState({ state: "closed", error });
      throw error;
    }
  }

  async #open(): Promise<ClientConnection> {
    const { authToken } = this.#settings;
    try {
      return await this.#attempt();
    } catch (error) {
      // The host may have given one that it had kept.
      if (!isUnauthenticated(error) || typeof authToken !== "function") throw error;
      return await this.#attempt();
    }
  }

  async #attempt(): Promise<ClientConnection> {
    const limits = { ...this.#settings, signal: this.#closing.signal };
    const token = await within(askToken(this.#settings), limits);
    const channel = await this.#openChannel();
    const connection: ClientConnection = new ClientConnection(channel, this.#settings, (error) =>
      this.#lost(connection, error),
    );
    this.#connection = connection;
    await connection.open(token);
    return connection;
  }

  async #openChannel(): Promise<Channel> {
    // The signal is for what connects; whether it heeds it or not, nobody waits any longer.
    const giveUp = new AbortController();
    const connecting = this.#settings.connect(AbortSignal.any([giveUp.signal, this.#closing.signal]));
    try {
      return await within(connecting, { ...this.#settings, signal: this.#closing.signal });
    } catch (error) {
      giveUp.abort(error);
      // A channel that comes all the same is nobody's.
      connecting.then(
        (late) => late.close("not needed any more"),
        () => {},
      );
      throw error;
    }
  }

  #lost(connection: ClientConnection, error: SyncError): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    // While it is being opened, who opens it tells.
    if (this.#state.state !== "open") return;
    this.#connecting = undefined;
    this.#setState({ state: "closed", error });
  }

  #setState(state: LiveClientState): void {
    if (this.#state.state === "closed" && this.#closing.signal.aborted && state.state !== "closed") return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #toSyncError(error: unknown): SyncError {
    if (error instanceof SyncError) return error;
    const { endpoint } = this.#settings;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${endpoint} could not be reached: ${reason}.`;
    return new SyncError("unreachable", message, { endpoint, cause: error });
  }
}

function closed(): SyncError {
  return new SyncError("invalid-state", "The live client has been closed.");
}
