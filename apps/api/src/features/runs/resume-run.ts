import {
  DownbeatError,
  readSealedHeader,
  readStatement,
  type Run,
  type RunInput,
  type Signed,
  type WrappedDataKey,
} from "@downbeat/contract";
import { resumeStep } from "@downbeat/core";
import { applyTransitions, lockRuns, storeDataKeys, storeRunInput } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { propose } from "./propose.ts";
import { requireRun, withoutParameters } from "./read-run-detail.ts";
import { runNotFound } from "./run-not-found.ts";

export type Resume = {
  readonly runId: string;
  /** The pause point that it is for, where the caller says so. */
  readonly point?: string | undefined;
  readonly input: RunInput["input"];
  readonly signature?: Signed<"input"> | undefined;
  readonly dataKeys: readonly WrappedDataKey[];
};

/**
 * Lets a paused run go on. The input is kept first, so that the agent which hears of the resumption finds it.
 *
 * @throws {DownbeatError} not_found; transition_rejected when it is not paused, or no longer where the input is for.
 */
export async function resumeRun(
  services: Services,
  ctx: RequestContext,
  { runId, point, input, signature, dataKeys }: Resume,
): Promise<Run> {
  const { database, claims, now } = services;
  const { run, standing } = await database.inWorkspace(ctx, async (tx) => {
    const locked = (await lockRuns(tx, [runId])).get(runId);
    if (locked === undefined) throw runNotFound(runId);
    const step = resumeStep({ isHeld: locked.sessionId !== null });
    const wish = { proposer: "person", ...step } as const;
    const isPaused = locked.state.type === "PAUSED";
    const transition = isPaused ? propose(locked, wish, { ctx, now: now() }) : undefined;
    if (transition === undefined) {
      throw new DownbeatError("transition_rejected", {
        message: `The run ${runId} is ${locked.state.name}; only a paused run can be resumed.`,
      });
    }
    const key = locked.pause?.key ?? "pause";
    requireGivenTo(key, { runId, point, input, signature });
    if (dataKeys.length > 0) await storeDataKeys(tx, dataKeys);
    await storeRunInput(tx, { runId, key, input, signature: signature ?? null });
    await applyTransitions(tx, [transition]);
    return { run: withoutParameters(await requireRun(tx, runId)), standing: locked };
  });
  if (standing.sessionId !== null) claims.endHold(standing.sessionId);
  else if (standing.poolId !== null) claims.announce(standing.poolId, 1);
  return run;
}

/** The run may have gone on to another pause point meanwhile. What is for one is for no other; its agent would refuse it. */
function requireGivenTo(
  key: string,
  { runId, point = key, input, signature }: Omit<Resume, "dataKeys">,
): void {
  const waits = `The run ${runId} waits at "${key}"`;
  if (point !== key) throw elsewhere(`${waits}, and what is given is for "${point}".`);
  const sealedFor = input === null ? key : readSealedHeader(input)?.point;
  if (sealedFor !== key) {
    const given = sealedFor === undefined ? "no pause point" : `the pause point "${sealedFor}"`;
    throw elsewhere(`${waits}, and the input is sealed for ${given}.`);
  }
  const stated = signature === undefined ? undefined : readStatement("input", signature);
  if (stated === undefined || (stated.run === runId && stated.point === key)) return;
  throw elsewhere(
    `${waits}, and what is signed is for "${stated.point}" of the run ${stated.run}.`,
  );
}

function elsewhere(message: string): DownbeatError {
  return new DownbeatError("transition_rejected", { message });
}
