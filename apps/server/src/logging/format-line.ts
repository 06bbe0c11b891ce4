/** A line of JSON logs as people read it: `12:00:00.000 info request method=GET status=200`. */
export function formatLine(json: string): string {
  const { time, level, msg, error, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${formatValue(value)}`);
  const stack = (error as { readonly stack?: unknown } | undefined)?.stack;
  const head = [String(time).slice(11, 23), level, msg, ...fields].join(" ");
  return typeof stack === "string" ? `${head}\n${stack}\n` : `${head}\n`;
}

function formatValue(value: unknown): string {
  if (typeof value === "string" && /^[!#-<>-~]+$/.test(value)) return value;
  // JSON leaves some control characters as they are, and a terminal obeys them.
  return JSON.stringify(value).replace(/[\x7f-\x9f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}
