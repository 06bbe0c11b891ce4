import type { HranaError } from "@tributary/wire";

/** A request that is answered with an error; the socket goes on. */
export class SocketRefusal extends Error {
  override readonly name = "SocketRefusal";
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  /** As it travels. */
  get hranaError(): HranaError {
    return { message: this.message, code: this.code };
  }
}
