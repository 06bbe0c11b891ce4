import type { Shared } from "./measure/shared.js";
import type { Sample } from "./measure/statistics.js";

/** One contender of a question. */
export interface Case {
  /** As the table names it, such as "Tributary – Turso's server". */
  readonly name: string;
  /** Measures once, from a fresh start, but for what the runs of the question share. */
  run(scale: Scale, shared: Shared): Promise<Measurement>;
  /** In how many rounds it takes part, for one that takes long. Default: all. */
  readonly rounds?: number;
  /** Left out of the short form: others do the same with less, or the same client with the same server elsewhere. Default false. */
  readonly onlyInFull?: boolean;
}

/** What one run of a case gave: figures by name, each with its unit in the name, such as "push, ms". */
export type Measurement = Readonly<Record<string, number>>;

/** How much is done: `short` only shows that it runs. */
export type Scale = "full" | "short";

/** What is aimed at: the median of `figure` of one case against that of another in the same run, or by itself. */
export interface Target {
  readonly figure: string;
  /** A case, or several, of which the best counts. */
  readonly of: string | readonly string[];
  /** The other case; the target is then about the ratio. Default: about the figure itself. */
  readonly against?: string;
  /** It may be no more than that, or no less. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** A figure of some cases as lines over what makes them grow. */
export interface Chart {
  readonly title: string;
  /** What grows, with its unit. */
  readonly growing: string;
  readonly figure: string;
  /** Points from left to right: what the axis says, and the case. */
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [label: string, caseName: string])[];
  }[];
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
  readonly chart?: Chart;
}

/** What came of a question. */
export interface Answer {
  readonly question: Question;
  /** The samples of each figure, by case. */
  readonly samples: ReadonlyMap<string, ReadonlyMap<string, Sample>>;
  /** The runs that gave none: which, and why. */
  readonly failures: readonly string[];
  /** How long it took. */
  readonly seconds: number;
}
