import type { Question, Scale } from "./question.js";

/**
 * Those whose names are one of these or begin so, in their own order; all where none is named. Throws for a name that is
 * nobody's.
 */
export function chooseQuestions(all: readonly Question[], names: readonly string[]): readonly Question[] {
  const unknown = names.filter((name) => !all.some((question) => question.name.startsWith(name)));
  if (unknown.length > 0) throw new Error(`there is no question ${unknown.join(", ")}`);
  return names.length === 0
    ? all
    : all.filter((question) => names.some((name) => question.name.startsWith(name)));
}

/** What of them is run: in the short form, nothing that others do as well. */
export function atScale(questions: readonly Question[], scale: Scale): readonly Question[] {
  if (scale === "full") return questions;
  return questions
    .map((question) => ({ ...question, cases: question.cases.filter((one) => one.onlyInFull !== true) }))
    .filter(({ cases }) => cases.length > 0);
}
