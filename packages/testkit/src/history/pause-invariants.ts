import type { Evidence, Invariant } from "./invariant.ts";
import { answered } from "./history-log.ts";
import type { FinalRow } from "./final-state.ts";

/** What must hold for runs that wait for a person. */
export const pauseInvariants = {
  resumed_once_per_input: resumedOncePerInput,
  accepted_input_is_kept: acceptedInputIsKept,
  suspended_run_holds_nothing: suspendedRunHoldsNothing,
} satisfies Record<string, Invariant>;

const isResumed = ({ reason }: FinalRow): boolean => reason === "resumed";

/** An input is for one pause point, at which no attempt waits again: however often it is sent, it lets the run go on once. */
function resumedOncePerInput({ entries, state }: Evidence): string[] {
  const askedAtMs = new Map<string, number>();
  for (const { op, input, atMs } of entries) {
    if (op !== "resume") continue;
    const place = `${input.runId} ${input.point}`;
    if (!askedAtMs.has(place)) askedAtMs.set(place, atMs);
  }
  return state.runs.flatMap((run) => {
    const seen = new Set<string | undefined>();
    return run.history.flatMap((row, at) => {
      if (!isResumed(row)) return [];
      const paused = run.history[at - 1];
      const { runId } = run;
      if (paused?.type !== "PAUSED") return [`The run ${runId} was resumed and not paused.`];
      const { point } = paused;
      if (seen.has(point))
        return [`The run ${runId} was resumed twice at ${point ?? "one point"}.`];
      seen.add(point);
      const isAsked = (askedAtMs.get(`${runId} ${point}`) ?? Infinity) <= row.atMs;
      if (isAsked || point === undefined) return [];
      return [`The run ${runId} was resumed at ${point}, for which nobody had given anything.`];
    });
  });
}

function acceptedInputIsKept({ entries, state }: Evidence): string[] {
  const resumed = new Set(
    state.runs.filter(({ history }) => history.some(isResumed)).map(({ runId }) => runId),
  );
  return answered(entries, "resume")
    .filter(({ input, output }) => output.accepted && !resumed.has(input.runId))
    .map(({ input }) => `The run ${input.runId} was given an input that changed nothing.`);
}

// What becomes of a run because of who holds it.
const OF_A_HOLDER = new Set([
  "unreachable",
  "agent_lost",
  "agent_restarted",
  "process_exited",
  "abandoned",
  "released",
  "cancel_requested",
  "cancel_deadline",
]);

/** Neither slot nor lease: nothing that happens to an agent touches it. */
function suspendedRunHoldsNothing({ state }: Evidence): string[] {
  return state.runs.flatMap(({ runId, history }) =>
    history
      .filter((row, at) => history[at - 1]?.name === "Suspended" && OF_A_HOLDER.has(row.reason))
      .map(({ reason }) => `The run ${runId} was suspended and held all the same: ${reason}.`),
  );
}
