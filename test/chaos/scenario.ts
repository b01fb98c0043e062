import type { PostgresServer } from "@downbeat/testkit/postgres-server";
import { checkRuns, type Findings } from "./check-runs.ts";
import type { ChaosPlane, Intervals } from "./chaos-plane.ts";
import { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

/** What a scenario is given. */
export type Given = {
  /** Small and with short intervals, so that it fits into the ordinary tests. */
  readonly isQuick: boolean;
  readonly random: Random;
  /** URL of a fresh PostgreSQL database. */
  readonly freshDatabase: () => Promise<string>;
  /** A PostgreSQL server of its own, to be killed at will. */
  readonly ownServer: () => Promise<PostgresServer>;
  /** A plane on that database; it is disposed of when the scenario is over. */
  readonly planeOn: (databaseUrl: string, intervals: Intervals) => Promise<ChaosPlane>;
  /** Takes note of something to be ended when the scenario is over, last first. */
  readonly afterwards: (end: () => Promise<void>) => void;
};

/** What came of it. */
export type Verdict = {
  /** How many runs (or other subjects) it is about. */
  readonly n: number;
  readonly counts: Readonly<Record<string, number | string>>;
  /** One sentence for each promise broken. Empty: it passed. */
  readonly violations: readonly string[];
};

export type Scenario = {
  readonly name: string;
  readonly about: string;
  /** A reason why it cannot run here, if there is one. */
  readonly unfit?: () => string | undefined;
  readonly run: (given: Given) => Promise<Verdict>;
};

/** Reads the three witnesses when everything is over. */
export async function findingsOf(
  plane: ChaosPlane,
  acknowledged: readonly string[],
): Promise<Findings> {
  const ledger = new Ledger(plane.databaseUrl);
  const [runs, counted] = await Promise.all([ledger.runs(), ledger.counted()]);
  return checkRuns({ acknowledged, runs, counted, executions: await plane.executions() });
}

/** The part of a verdict that every scenario shares. */
export function verdictOf(
  n: number,
  findings: Findings,
  more: { counts?: Record<string, number | string>; violations?: readonly string[] } = {},
): Verdict {
  const { lost, double, broken } = findings;
  return {
    n,
    counts: { lost: lost.length, double: double.length, broken: broken.length, ...more.counts },
    violations: [...lost, ...double, ...broken, ...(more.violations ?? [])],
  };
}
