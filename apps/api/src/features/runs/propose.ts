import type { StateName, StateReasonCode, StateType } from "@downbeat/contract";
import { decideTransitions, type Proposer } from "@downbeat/core";
import type { LockedRun, Transition } from "@downbeat/db";
import { uuidv7 } from "uuidv7";
import type { RequestContext } from "../../request-context.ts";

/** A state that someone with an API key wants a run to be in. */
export type Wish = {
  readonly proposer: Extract<Proposer, "person" | "operator">;
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
};

/** Puts a wish before the rules: the history row to be written in the caller's name, or undefined when they refuse. */
export function propose(
  run: LockedRun,
  wish: Wish,
  { ctx, now }: { readonly ctx: RequestContext; readonly now: Date },
): Transition | undefined {
  const proposal = { ...wish, transitionId: uuidv7(), error: null };
  const [accepted] = decideTransitions(run, [proposal], now).accepted;
  if (accepted === undefined) return undefined;
  const { kind, id } = ctx.principal;
  return {
    ...accepted,
    runId: run.runId,
    workspaceId: ctx.workspaceId,
    epoch: run.epoch,
    actor: { kind, id },
  };
}
