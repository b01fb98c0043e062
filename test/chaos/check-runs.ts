import { isTerminal, TERMINAL_STATE_TYPES } from "@downbeat/contract";
import type { Execution } from "./executions.ts";
import { groupBy } from "./group-by.ts";
import { terminalRows, type LedgerRun } from "./ledger.ts";

export type Evidence = {
  /** What the callers were told. */
  readonly acknowledged: readonly string[];
  /** What the database holds. */
  readonly runs: readonly LedgerRun[];
  /** How many runs ended how, as it counted them when they did. */
  readonly counted: ReadonlyMap<string, number>;
  /** What user code wrote down itself. */
  readonly executions: readonly Execution[];
};

/** Offences, one sentence each, by what they break. */
export type Findings = {
  /** An acknowledged trigger without exactly one terminal state. */
  readonly lost: string[];
  /** A second run of one trigger, a second completion, a second execution under one lease. */
  readonly double: string[];
  /** A history that cannot have happened. */
  readonly broken: string[];
};

/** Judges a scenario when everything is over: three witnesses (callers, database, user code) must tell one story. */
export function checkRuns({ acknowledged, runs, counted, executions }: Evidence): Findings {
  const known = new Map(runs.map((run) => [run.runId, run]));
  const executed = groupBy(executions, ({ runId }) => runId);
  const told = new Set(acknowledged);
  return {
    lost: [...told].flatMap((runId) => lostness(runId, known.get(runId))),
    double: [
      ...runs
        .filter(({ runId }) => !told.has(runId))
        .map(({ runId }) => `${runId} was triggered by nobody, or twice`),
      ...(acknowledged.length === told.size ? [] : ["two triggers were answered with one run"]),
      ...runs.flatMap((run) => doubleness(run, executed.get(run.runId) ?? [])),
    ],
    broken: [
      ...runs.flatMap((run) => brokenness(run)),
      ...runs.flatMap((run) => unfounded(run, executed.get(run.runId) ?? [])),
      ...[...executed.keys()]
        .filter((runId) => !known.has(runId))
        .map((runId) => `${runId} was executed and is unknown`),
      ...miscounted(runs, counted),
    ],
  };
}

/** Where no agent ever dies, whatever else happens, every run completes: those that did not, a sentence each. */
export function uncompleted(runs: readonly LedgerRun[]): string[] {
  return runs.flatMap(({ runId, stateType }) =>
    stateType === "COMPLETED" ? [] : [`${runId} is ${stateType} although its agent never died`],
  );
}

function lostness(runId: string, run: LedgerRun | undefined): string[] {
  if (run === undefined) return [`${runId} was acknowledged and is unknown`];
  const ends = terminalRows(run);
  if (run.isLive || run.stateType === null) return [`${runId} is still ${run.states.at(-1)?.type}`];
  return ends.length === 0 ? [`${runId} has no terminal state`] : [];
}

function doubleness(run: LedgerRun, executions: readonly Execution[]): string[] {
  const ends = terminalRows(run);
  const offences = ends.length > 1 ? [`${run.runId} ended ${ends.length} times`] : [];
  for (const [epoch, same] of groupBy(executions, (one) => one.epoch)) {
    if (same.length > 1)
      offences.push(`${run.runId} was executed ${same.length} times in epoch ${epoch}`);
  }
  return offences;
}

/** The rules of any history: no gap, nothing after the end, epochs that rise with every claim and only then. */
function brokenness({ runId, states, stateType }: LedgerRun): string[] {
  const offences: string[] = [];
  for (const [at, row] of states.entries()) {
    const before = states[at - 1];
    const first = states[0]?.sequence ?? 0;
    if (row.sequence !== first + at) offences.push(`${runId} has no state ${first + at}`);
    if (before === undefined) continue;
    const rise = row.epoch - before.epoch;
    if (rise !== (row.type === "PENDING" ? 1 : 0))
      offences.push(`${runId} went from epoch ${before.epoch} to ${row.epoch} as ${row.type}`);
    if (isTerminal(before.type)) offences.push(`${runId} went on after ${before.type}`);
  }
  const last = states.at(-1)?.type;
  if (stateType !== null && last !== stateType)
    offences.push(`${runId} is ${stateType} but its history ends ${last}`);
  return offences;
}

/** User code may run only under a lease that was accepted as RUNNING, and a completion needs an execution that finished. */
function unfounded(run: LedgerRun, executions: readonly Execution[]): string[] {
  const offences = executions
    .filter(({ epoch }) => !run.states.some((row) => row.type === "RUNNING" && row.epoch === epoch))
    .map(({ epoch }) => `${run.runId} was executed in epoch ${epoch} without being RUNNING`);
  const end = terminalRows(run)[0];
  if (end?.type !== "COMPLETED") return offences;
  const finished = executions.some((one) => one.epoch === end.epoch && one.finishedAtMs !== null);
  return finished ? offences : [...offences, `${run.runId} is COMPLETED and did not finish`];
}

function miscounted(runs: readonly LedgerRun[], counted: Evidence["counted"]): string[] {
  return TERMINAL_STATE_TYPES.flatMap((type) => {
    const there = runs.filter(({ stateType }) => stateType === type).length;
    const told = counted.get(type) ?? 0;
    return there === told ? [] : [`${there} runs are ${type}, and ${told} were counted`];
  });
}

/**
 * How long the longest lease stood without user code running under it: from the claim to the end of its tenure, less
 * the execution. Milliseconds.
 */
export function longestIdleLeaseMs(
  runs: readonly LedgerRun[],
  executions: readonly Execution[],
): number {
  const lengths = new Map(
    executions.map((one) => [
      `${one.runId} ${one.epoch}`,
      (one.finishedAtMs ?? one.startedAtMs) - one.startedAtMs,
    ]),
  );
  const idle = runs.flatMap(({ runId, states }) =>
    states.flatMap((row, at) => {
      if (row.type !== "PENDING") return [];
      const end = states.slice(at + 1).find(({ type }) => type === "SCHEDULED" || isTerminal(type));
      const tenureMs = (end?.at.getTime() ?? Number.POSITIVE_INFINITY) - row.at.getTime();
      return [tenureMs - (lengths.get(`${runId} ${row.epoch}`) ?? 0)];
    }),
  );
  return Math.max(0, ...idle);
}
