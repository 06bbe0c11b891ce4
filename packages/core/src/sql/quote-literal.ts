/** A text as an SQL string literal. SQL text ends at a NUL, so one cannot be written this way: bind it instead. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
