import { uuidv7 } from "uuidv7";
import { ParameterError } from "../errors.ts";
import { FLOW, type FlowDefinition } from "../flow-definition.ts";
import { flow } from "../flow.ts";
import { currentFrame } from "../frame.ts";
import { activeTraceparent } from "../run-span.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import { jsonText } from "./json-text.ts";
import { planeInReach } from "./plane-in-reach.ts";
import { RemoteRun } from "./remote-run.ts";
import { sendQueue } from "./send-queues.ts";
import { triggerPlace } from "./trigger-place.ts";

type AnyCall = (...args: never[]) => PromiseLike<unknown>;

/** A call of a background task that an agent executes; `runId` is known before the plane has heard of it. */
export interface BackgroundRun extends RemoteRun {
  /** Resolves when the plane has taken the run; rejects when it refused it. Unheard, a refusal is said on stderr. */
  readonly sent: Promise<void>;
}

/**
 * What makes a task one that agents execute by itself: {@link delayTask} as `delay`, and the hidden flow of one task for
 * which `downbeat deploy` registers a deployment.
 */
export function backgroundProperties(name: string, call: AnyCall): PropertyDescriptorMap {
  return {
    delay: { value: (...args: unknown[]) => delayTask(name, args) },
    [FLOW]: { value: definitionOf(name, call) },
  };
}

/**
 * Asks for a run of the task and returns at once.
 *
 * @throws DownbeatError `parameters_invalid` naming the argument that JSON cannot carry; `queue_full`
 */
function delayTask(name: string, args: readonly unknown[]): BackgroundRun {
  const text = jsonText("args", args);
  const place = triggerPlace(`${name}/default`);
  const parent = place?.parentRunId;
  const runId = typeof parent === "string" ? place?.runIdOf(parent, 0) : undefined;
  const traceparent = activeTraceparent();
  const request = {
    flowName: name,
    deploymentName: "default",
    parameters: JSON.parse(`{"args":${text}}`) as Record<string, unknown>,
    tags: [],
    runId: runId ?? uuidv7(),
    ...(traceparent !== undefined && { traceparent }),
  };
  const later = typeof parent === "string" ? undefined : parent;
  const sent = sendQueue().add({ request, parent: later, characters: text.length });
  // A flow ends when what it began has: its children must be known before its own end is.
  place?.scope.taskOpened();
  sent
    .catch((error: unknown) => warnOnce(`a background run of "${name}" was not made`, error))
    .finally(() => place?.scope.taskClosed());
  const { signal } = currentFrame() ?? {};
  const run = new RemoteRun(request.runId, { plane: planeInReach(), accepted: sent, signal });
  return Object.assign(run, { sent });
}

function definitionOf(name: string, call: AnyCall): FlowDefinition {
  const hidden = flow({ name }, async ({ args }: { args?: unknown }) => {
    if (Array.isArray(args)) return call(...(args as never[]));
    throw new ParameterError(name, [{ path: "args", message: "must be the list of arguments" }]);
  });
  return { ...hidden[FLOW], isBackground: true, parametersJsonSchema: () => ARGUMENTS_SCHEMA };
}

const ARGUMENTS_SCHEMA = {
  type: "object",
  properties: { args: { type: "array" } },
  required: ["args"],
  additionalProperties: false,
};
