import type { Sample } from "./measure/statistics.js";

/** One contender of a question. */
export interface Case {
  /** As the table names it, such as "Tributary – Turso's server". */
  readonly name: string;
  /** Measures once, from a fresh start. */
  run(scale: Scale): Promise<Measurement>;
}

/** What one run of a case gave: figures by name, each with its unit in the name, such as "push, ms". */
export type Measurement = Readonly<Record<string, number>>;

/** How much is done: `short` only shows that it runs. */
export type Scale = "full" | "short";

/** A ratio that is aimed at: the median of `figure` of one case against that of another, in one run. */
export interface Target {
  readonly figure: string;
  readonly of: string;
  readonly against: string;
  /** The ratio may be no more than that, or no less. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One question, with everybody who answers it. */
export interface Question {
  /** As it is named on the command line. */
  readonly name: string;
  readonly title: string;
  readonly cases: readonly Case[];
  readonly targets: readonly Target[];
  /** How often each case is run. Default 5; 1 in the short form. */
  readonly rounds?: number;
}

/** What came of a question: the samples of each figure, by case. */
export interface Answer {
  readonly question: Question;
  readonly samples: ReadonlyMap<string, ReadonlyMap<string, Sample>>;
}
