import { isOperator, keywordOf, nameOf, tokenizeSql } from "../sql/tokenize-sql.js";
import { findTriggerBegin, unmarkTrigger } from "./mark-trigger.js";
import { foldName, type SchemaRow } from "./schema-row.js";

/** Which triggers of the schema must be marked, and whose tables' capture must look whether one is running. */
export interface TriggerEffects {
  /** Folded names of the triggers to mark. */
  readonly marked: ReadonlySet<string>;
  /** Folded names of the tables that a marked trigger writes. */
  readonly suppressible: ReadonlySet<string>;
}

/**
 * Finds the triggers whose bodies write captured tables. INSTEAD OF triggers are no effects of a captured change (their
 * view is not captured), so they stay unmarked and what they write counts as direct; but a marked trigger that writes
 * a view reaches the tables behind it.
 */
export function triggerEffects(schema: readonly SchemaRow[], captured: ReadonlySet<string>): TriggerEffects {
  const views = new Set(schema.filter((row) => row.type === "view").map((row) => foldName(row.name)));
  const triggers = schema.filter((row) => row.type === "trigger" && row.sql !== null);
  const targetsOfView = new Map<string, Set<string>>();
  for (const row of triggers) {
    const view = foldName(row.table);
    if (!views.has(view)) continue;
    const targets = targetsOfView.get(view) ?? new Set();
    for (const target of triggerTargets(row.sql ?? "")) targets.add(target);
    targetsOfView.set(view, targets);
  }
  const marked = new Set<string>();
  const suppressible = new Set<string>();
  for (const row of triggers) {
    if (views.has(foldName(row.table))) continue;
    const written = [...reachable(triggerTargets(row.sql ?? ""), targetsOfView)];
    const effects = written.filter((table) => captured.has(table));
    if (effects.length === 0) continue;
    marked.add(foldName(row.name));
    for (const table of effects) suppressible.add(table);
  }
  return { marked, suppressible };
}

/** Folded names of the tables and views that a trigger's body writes by itself. */
export function triggerTargets(sql: string): Set<string> {
  const tokens = tokenizeSql(unmarkTrigger(sql));
  const targets = new Set<string>();
  let at = findTriggerBegin(tokens);
  if (at < 0) return targets;
  for (; at < tokens.length; at++) {
    // A statement starts after BEGIN and after each `;`.
    const starts = isOperator(tokens[at], ";") || keywordOf(tokens[at]) === "BEGIN";
    if (!starts) continue;
    const verb = keywordOf(tokens[at + 1]);
    if (!/^(INSERT|REPLACE|UPDATE|DELETE)$/.test(verb)) continue;
    let name = at + 2;
    if (keywordOf(tokens[name]) === "OR") name += 2;
    if (/^(INTO|FROM)$/.test(keywordOf(tokens[name]))) name += 1;
    const target = nameOf(tokens[name]);
    if (target !== undefined) targets.add(foldName(target));
  }
  return targets;
}

function reachable(
  targets: ReadonlySet<string>,
  targetsOfView: ReadonlyMap<string, ReadonlySet<string>>,
): Set<string> {
  const reached = new Set(targets);
  // A Set iterates over what is added to it meanwhile, so views behind views are followed too.
  for (const target of reached) for (const next of targetsOfView.get(target) ?? []) reached.add(next);
  return reached;
}
