import { ServerError } from "../server-error.js";

/** A path of a database, and the device that it names in front. */
export interface DevicePath {
  /** A checked name; undefined where the path names none. */
  readonly device: string | undefined;
  /** What is behind it: begins with a slash. */
  readonly pathname: string;
}

/** Letters of ASCII that no URL escapes: a device has one name, however it is written. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Takes `/device/<name>` off the front of a path: an offline replica of libSQL has nothing but its `syncUrl` to say which
 * device it is on, and sends all that it asks for below it. Throws `ServerError` "invalid-name".
 */
export function splitDevice(pathname: string): DevicePath {
  const match = /^\/device(?:\/([^/]*)(.*))?$/.exec(pathname);
  if (match === null) return { device: undefined, pathname };
  const [, name = "", rest = ""] = match;
  if (NAME.test(name)) return { device: name, pathname: rest === "" ? "/" : rest };
  throw new ServerError(
    "invalid-name",
    'a device is named as /device/<name>, by 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"',
  );
}
