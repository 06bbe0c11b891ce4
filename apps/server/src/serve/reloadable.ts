/** Something that was read from a file and can be read again while the server runs. */
export interface Reloadable {
  /** What it is and where: `tokens of /etc/tributary/tokens`. */
  readonly what: string;
  /** Takes the file as it is now. Rejects, and goes on with what it had, if that cannot be used. */
  reload(): Promise<void>;
}
