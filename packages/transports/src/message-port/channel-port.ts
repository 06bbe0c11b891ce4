/**
 * A port that structured clones go through: a MessagePort of Node or of a browser, a Worker, or what a worker calls
 * its parent.
 */
export interface ChannelPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** Browsers' manner, and that of Node's MessagePort. */
  addEventListener?(type: string, listener: (event: object) => void): void;
  removeEventListener?(type: string, listener: (event: object) => void): void;
  /** Node's manner. */
  on?(type: string, listener: (data: unknown) => void): unknown;
  off?(type: string, listener: (data: unknown) => void): unknown;
  /** Only of a MessagePort. */
  start?(): void;
  close?(): void;
}

/** Listens to a port, whichever manner it has. Gives the function that ends it. */
export function listenToPort(port: ChannelPort, type: string, listener: (data: unknown) => void): () => void {
  if (port.addEventListener !== undefined) {
    const onEvent = (event: { readonly data?: unknown }): void => listener(event.data);
    port.addEventListener(type, onEvent);
    return () => port.removeEventListener?.(type, onEvent);
  }
  port.on?.(type, listener);
  return () => void port.off?.(type, listener);
}
