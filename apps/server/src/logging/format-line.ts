/** A line of JSON logs as people read it: `12:00:00.000 info request method=GET status=200`. */
export function formatLine(json: string): string {
  const { time, level, msg, error, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${formatValue(value)}`);
  const stack = (error as { readonly stack?: unknown } | undefined)?.stack;
  const head = [String(time).slice(11, 23), level, msg, ...fields].join(" ");
  return typeof stack === "string" ? `${head}\n${stack}\n` : `${head}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
