/** Where to listen. */
export interface ListenAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Reads HOST:PORT, or [IPV6]:PORT. Throws `TypeError` with a text for people. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new TypeError(`"${text}" is not HOST:PORT, such as 127.0.0.1:8080`);
  }
  return { host: (match[1] ?? match[2]) as string, port };
}

/** The address as the start of a URL. */
export function formatListenUrl({ host, port }: ListenAddress, scheme: "http" | "https" = "http"): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether only programs of this machine can reach it. A name that is not `localhost` may lead anywhere. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(host);
}
