import { isTerminal, type StateType } from "@downbeat/contract";
import { cancelStep } from "@downbeat/core";
import {
  applyTransitions,
  findDescendants,
  lockRuns,
  type LockedRun,
  type Transition,
  type Tx,
} from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { propose, type Wish } from "./propose.ts";

/** What a cancellation changed, for {@link announceCancelled} once it is committed. */
export type Cancelled = {
  /** The asked runs that exist here. */
  readonly asked: ReadonlyMap<string, LockedRun>;
  readonly transitions: readonly Transition[];
  readonly sessionIds: readonly string[];
};

/**
 * Cancels runs, and with each the live runs that it triggered: at once where no process runs it; otherwise its agent is
 * told, and the sweep closes it if the agent does not confirm in time. Runs whose state does not allow it stay as they are.
 */
export async function cancelRuns(
  tx: Tx,
  runIds: readonly string[],
  by: { readonly ctx: RequestContext; readonly now: Date },
): Promise<Cancelled> {
  const family = await findDescendants(tx, runIds);
  // All at once: several lockings could meet another transaction's the wrong way round.
  const runs = await lockRuns(tx, [...runIds, ...family.map(({ runId }) => runId)]);
  const asked = new Map(runIds.flatMap((id) => entryOf(runs, id)));
  const transitions = new Map<string, Transition>();
  const end = (run: LockedRun | undefined, isChild: boolean): void => {
    if (run === undefined || transitions.has(run.runId)) return;
    const transition = propose(run, wishFor(run, isChild), by);
    if (transition !== undefined) transitions.set(run.runId, transition);
  };
  for (const run of asked.values()) end(run, false);
  const stateOf = (runId: string): StateType | undefined =>
    transitions.get(runId)?.state.type ?? runs.get(runId)?.state.type;
  for (const { rootId, runId } of family)
    if (isBeingCancelled(stateOf(rootId))) end(runs.get(runId), true);
  const rows = [...transitions.values()];
  await applyTransitions(tx, rows);
  return { asked, transitions: rows, sessionIds: sessionsOf(runs, rows) };
}

/** Makes agents ask at once what they should stop, and log readers hear of the end. */
export function announceCancelled(
  { claims, logWaits }: Services,
  { transitions, sessionIds }: Cancelled,
): void {
  for (const sessionId of sessionIds) claims.endHold(sessionId);
  const ended = transitions.filter(({ state }) => isTerminal(state.type));
  for (const { runId } of ended) logWaits.wake(runId, undefined);
  if (ended.length > 0) claims.announceFreedSlots();
}

export function isBeingCancelled(type: StateType | undefined): boolean {
  return type === "CANCELLING" || type === "CANCELLED";
}

function wishFor({ sessionId, epoch }: LockedRun, isChild: boolean): Wish {
  const step = cancelStep({ isHeld: sessionId !== null, epoch });
  return { proposer: "person", ...step, ...(isChild && { reason: "parent_cancelled" }) };
}

function sessionsOf(
  runs: ReadonlyMap<string, LockedRun>,
  transitions: readonly Transition[],
): string[] {
  return [...new Set(transitions.flatMap(({ runId }) => runs.get(runId)?.sessionId ?? []))];
}

function entryOf(runs: ReadonlyMap<string, LockedRun>, id: string): [string, LockedRun][] {
  const run = runs.get(id);
  return run === undefined ? [] : [[id, run]];
}
