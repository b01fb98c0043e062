import { uuidv7 } from "uuidv7";
import { currentFrame } from "../frame.ts";
import { activeTraceparent } from "../run-span.ts";
import { insist } from "./insist.ts";
import { jsonText } from "./json-text.ts";
import { planeInReach } from "./plane-in-reach.ts";
import { refused } from "./refused.ts";
import type { RemotePlane, RunStatus, TriggerRequest } from "./remote-plane.ts";
import { hasEnded, RemoteRun } from "./remote-run.ts";
import { triggerPlace, type TriggerPlace } from "./trigger-place.ts";
import { checkTags, deploymentNamed, instantText, type DeploymentName } from "./trigger-terms.ts";

// How long an API that is away may stay so before a script hears of it. Under an agent it is the agent who waits.
const PATIENCE_MS = 30_000;

/** What a triggered run is given, when it begins, and whether to wait for its end. */
export type RunDeploymentOptions = {
  /** What the flow is given, over the deployment's defaults; JSON values. Sealed before it leaves the machine. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Static labels, in clear, beside the deployment's. */
  readonly tags?: readonly string[];
  /** Not before this time. Default: as soon as an agent is free. */
  readonly scheduledFor?: Date | string;
  /**
   * The same text means the same run: asking again returns it. Inside a flow each call has a key of its own by default, so
   * that a flow which runs again finds the runs that it has triggered before.
   */
  readonly idempotencyKey?: string;
  /** Whether to wait for the run's end. Default true. */
  readonly wait?: boolean;
  /** How long to wait at most, in milliseconds. Default: as long as it takes. */
  readonly timeoutMs?: number;
};

/** A triggered run with the last that was heard of it: with `wait` its end, else how it began. */
export type TriggeredRun = RemoteRun & { readonly state: RunStatus["state"] };

/**
 * Runs a deployment somewhere else, on an agent. By default waits for its end and returns
 * whichever it is; a failed run does not throw, `state.type` tells. Inside a flow the run becomes a child: it is cancelled
 * with its parent, and a parent that runs again does not trigger it twice. Works in any script or web app with a profile.
 *
 * @example
 * const { state } = await runDeployment("weather-report", { parameters: { year: 2014 } });
 * if (state.type !== "COMPLETED") throw new Error(`the report ended as ${state.name}`);
 * @param target `"flow"` (its deployment `default`), `"flow/deployment"`, or the two names
 * @throws DownbeatError `flow_not_found`, `parameters_invalid` (each issue names its parameter), `idempotency_mismatch`,
 *   `profile_missing`, `key_missing`, `unreachable` when the plane does not answer for 30 s, `wait_timed_out`
 */
export async function runDeployment(
  target: string | DeploymentName,
  options: RunDeploymentOptions = {},
): Promise<TriggeredRun> {
  const request = requestOf(target, options);
  const place =
    options.idempotencyKey === undefined
      ? triggerPlace(`${request.flowName}/${request.deploymentName}`)
      : undefined;
  const plane = planeInReach();
  // A flow ends when what it began has: also a call that nobody awaits.
  place?.scope.taskOpened();
  try {
    const status = await trigger(await plane(), { request, place, waits: options.wait !== false });
    const run = new RemoteRun(status.runId, { plane, signal: currentFrame()?.signal });
    const isDone = options.wait === false || hasEnded(status);
    const { state } = isDone ? status : await run.wait(options);
    return Object.assign(run, { state });
  } finally {
    place?.scope.taskClosed();
  }
}

function requestOf(
  target: string | DeploymentName,
  { parameters = {}, tags = [], scheduledFor, idempotencyKey }: RunDeploymentOptions,
): TriggerRequest {
  const traceparent = activeTraceparent();
  return {
    ...deploymentNamed(target),
    parameters: JSON.parse(jsonText("parameters", parameters)) as TriggerRequest["parameters"],
    tags: checkTags(tags),
    ...(scheduledFor !== undefined && { scheduledFor: instantText(scheduledFor) }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

type Trigger = {
  readonly request: TriggerRequest;
  readonly place: TriggerPlace | undefined;
  readonly waits: boolean;
};

async function trigger(plane: RemotePlane, { request, place, waits }: Trigger): Promise<RunStatus> {
  const parentRunId = await place?.parentRunId;
  if (place === undefined || parentRunId === undefined) {
    // An id of its own all the same: asked twice because an answer was lost, it is one run.
    return ask(
      plane,
      request.idempotencyKey === undefined ? { ...request, runId: uuidv7() } : request,
    );
  }
  for (let generation = 0; ; generation += 1) {
    const runId = place.runIdOf(parentRunId, generation);
    const status = await ask(plane, { ...request, runId, parentRunId });
    // What an earlier attempt waited for and saw end badly is no reason to fail again: this attempt has it done anew.
    const isSpent = hasEnded(status) && status.state.type !== "COMPLETED";
    if (!waits || !place.isLaterAttempt || !isSpent) return status;
  }
}

async function ask(plane: RemotePlane, request: TriggerRequest): Promise<RunStatus> {
  const signal = currentFrame()?.signal;
  const [answer] = await insist(() => plane.trigger([request], signal), {
    forMs: PATIENCE_MS,
    signal,
  });
  if (answer !== undefined && "run" in answer) return answer.run;
  throw refused(answer?.refusal);
}
