import { isTerminal, type StateType } from "@downbeat/contract";
import type { Evidence, Invariant } from "./invariant.ts";
import type { FinalRow, FinalRun } from "./final-state.ts";
import { answered, type ReportedItem } from "./history-log.ts";

/** What must hold for each run on its own. */
export const runInvariants = {
  accepted_trigger_ends_once: acceptedTriggerEndsOnce,
  terminal_is_final: terminalIsFinal,
  one_accepted_completion: oneAcceptedCompletion,
  accepted_write_is_kept: acceptedWriteIsKept,
  sequence_is_contiguous: sequenceIsContiguous,
  row_has_actor_and_reason: rowHasActorAndReason,
  epoch_rises_with_each_claim: epochRisesWithEachClaim,
  retry_budget_holds: retryBudgetHolds,
} satisfies Record<string, Invariant>;

// A person may set a run that has ended going again; only then may it end again.
const isPerson = (row: FinalRow): boolean =>
  row.actorKind === "api-key" || row.actorKind === "user";
const isRetry = (row: FinalRow): boolean => row.type === "SCHEDULED" && isPerson(row);
// An end that the retry policy turned into the wait for another attempt.
const isPolicyRetry = (row: FinalRow): boolean => row.reason === "retry_scheduled";

function acceptedTriggerEndsOnce({ entries, state }: Evidence): string[] {
  const runs = new Map(state.runs.map((run) => [run.runId, run]));
  const runIds = new Set(answered(entries, "trigger").map(({ output }) => output.runId));
  return [...runIds].flatMap((runId) => {
    const run = runs.get(runId);
    if (run === undefined) return [`The run ${runId} was acknowledged and is not there.`];
    const last = run.history.at(-1);
    if (last !== undefined && isTerminal(last.type)) return [];
    return [`The run ${runId} never ended; it stands at ${last?.type ?? "nothing"}.`];
  });
}

function terminalIsFinal({ state }: Evidence): string[] {
  return eachPair(state.runs, ({ runId }, row, next) => {
    if (!isTerminal(row.type) || isRetry(next)) return [];
    return [`The run ${runId} had ended ${row.type} and became ${next.type} (${next.reason}).`];
  });
}

function oneAcceptedCompletion({ entries, state }: Evidence): string[] {
  const retries = new Map(state.runs.map(({ runId, history }) => [runId, countRetries(history)]));
  const completions = new Map<string, Set<string>>();
  for (const { runId, type, transitionId } of acceptedItems(entries)) {
    if (!isTerminal(type as StateType)) continue;
    completions.set(runId, (completions.get(runId) ?? new Set()).add(transitionId));
  }
  return [...completions].flatMap(([runId, ids]) =>
    ids.size <= 1 + (retries.get(runId) ?? 0)
      ? []
      : [`The run ${runId} had ${ids.size} completions accepted: ${[...ids].join(", ")}.`],
  );
}

function countRetries(history: readonly FinalRow[]): number {
  return history.slice(1).filter((row) => isRetry(row) || isPolicyRetry(row)).length;
}

/** The policy adds no more attempts than it may; a person who starts the run again gives it its budget anew. */
function retryBudgetHolds({ state }: Evidence): string[] {
  return state.runs.flatMap(({ runId, history, retriesAllowed = Infinity }) => {
    let made = 0;
    let most = 0;
    for (const row of history.slice(1)) {
      made = isRetry(row) ? 0 : made + (isPolicyRetry(row) ? 1 : 0);
      most = Math.max(most, made);
    }
    if (most <= retriesAllowed) return [];
    return [`The run ${runId} was tried again ${most} times; its policy allows ${retriesAllowed}.`];
  });
}

function acceptedWriteIsKept({ entries, state }: Evidence): string[] {
  const kept = new Map(
    state.runs.map(({ runId, history }) => [
      runId,
      new Set(history.map((row) => row.transitionId)),
    ]),
  );
  const lost = acceptedItems(entries).filter(
    ({ runId, transitionId }) => kept.get(runId)?.has(transitionId) !== true,
  );
  return lost.map(
    ({ runId, type, transitionId }) =>
      `The run ${runId}: ${type} (${transitionId}) was accepted and is not in its history.`,
  );
}

function sequenceIsContiguous({ state }: Evidence): string[] {
  return state.runs.flatMap(({ runId, history }) => {
    const sequences = history.map(({ sequence }) => sequence);
    if (sequences.length > 0 && sequences.every((sequence, at) => sequence === at)) return [];
    return [`The run ${runId} has the history rows ${sequences.join(", ") || "none"}.`];
  });
}

function rowHasActorAndReason({ state }: Evidence): string[] {
  return state.runs.flatMap(({ runId, history }) =>
    history
      .filter(({ actorKind, actorId, reason }) => {
        const isNamed = actorKind === "engine" || (actorKind !== "" && actorId !== null);
        return !isNamed || reason === "";
      })
      .map(({ sequence }) => `The run ${runId}, row ${sequence}, does not say who or why.`),
  );
}

function epochRisesWithEachClaim({ state }: Evidence): string[] {
  return eachPair(state.runs, ({ runId }, row, next) => {
    const expected = next.type === "PENDING" ? row.epoch + 1 : row.epoch;
    // A standalone run is leased from its second row on, without ever being PENDING.
    const isStandaloneStart = row.sequence === 0 && next.type === "RUNNING";
    if (next.epoch === expected || isStandaloneStart) return [];
    return [`The run ${runId}, row ${next.sequence}, has epoch ${next.epoch} after ${row.epoch}.`];
  });
}

function acceptedItems(entries: Evidence["entries"]): ReportedItem[] {
  return answered(entries, "report").flatMap(({ input, output }) =>
    input.items.filter((_, at) => output.statuses[at] === "accepted"),
  );
}

function eachPair(
  runs: readonly FinalRun[],
  check: (run: FinalRun, row: FinalRow, next: FinalRow) => string[],
): string[] {
  return runs.flatMap((run) =>
    run.history.slice(1).flatMap((next, at) => {
      const row = run.history[at];
      return row === undefined ? [] : check(run, row, next);
    }),
  );
}
