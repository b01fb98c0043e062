import { DownbeatError } from "@downbeat/contract/errors";
import { flowDefinitionOf, type FLOW, type FlowDefinition } from "../flow-definition.ts";
import { locateProfile } from "../profile/read-profile.ts";
import { jsonText } from "../remote/json-text.ts";
import { checkTags, deploymentNamed } from "../remote/trigger-terms.ts";
import type { ServedConfig, ServedFlow } from "./served-flow.ts";

/** How a process serves. */
export type ServeOptions = {
  /** Most runs at once, all in this process. Default 10. */
  readonly concurrency?: number;
  /** Work pool in which the deployments are registered; made when it is not there. Default `serve`. */
  readonly pool?: string;
  /** How long running flows may go on when the process is asked to stop, in seconds. Default 30. */
  readonly drainSeconds?: number;
  /**
   * File with public keys, as `downbeat key create --signing` writes it: what a pause point is given counts only when it
   * is signed by one of them. Default: whatever is given counts.
   */
  readonly inputSigners?: string;
  /** Stops serving when it aborts. Default: SIGTERM and SIGINT do; a second one ends the process at once. */
  readonly signal?: AbortSignal;
};

/** What one flow is registered as, besides {@link ServeOptions}. */
export type ServeFlowOptions = ServeOptions &
  ServedConfig & {
    /** Name of the deployment. Default `default`. */
    readonly deployment?: string;
  };

/** A flow, or a task marked `background`. */
export type Servable = { readonly [FLOW]: FlowDefinition };

/** A process that serves flows, until it is stopped. */
export type Serving = {
  /** Takes no more runs, lets those that run finish within the drain time, and gives up the rest: they end as Crashed. */
  stop(): Promise<void>;
  /** Resolves when serving has stopped. */
  readonly stopped: Promise<void>;
};

// A session carries as many labels, one for each flow.
const MOST_FLOWS = 32;
const LONGEST_DRAIN_SECONDS = 86_400;

/**
 * Registers flows (or background tasks) as deployments and executes their runs in this very process, until it is asked to
 * stop. Resolves when it takes runs. It dials out only, as an agent does, with the same leases and fences; but code runs
 * beside everything else here: a flow that heeds no signal cannot be stopped, and one that ends the process ends them all.
 * Reports wait in memory while the plane is away. Killed, the process is an agent that died: its runs show as Unreachable,
 * then end as Crashed.
 *
 * @example
 * const serving = await serve(weather, flightDelays, { concurrency: 4 });
 * await serving.stopped;
 * @throws DownbeatError `profile_missing`, `key_missing`, `role_insufficient` when the API key is no admin's,
 *   `definition_invalid` for what cannot be served, `unreachable`
 */
export function serve(...flows: Servable[]): Promise<Serving>;
export function serve(...flowsAndOptions: [...Servable[], ServeOptions]): Promise<Serving>;
export async function serve(...given: (Servable | ServeOptions)[]): Promise<Serving> {
  const last = given.at(-1);
  const options = typeof last === "object" ? (last as ServeOptions) : undefined;
  const flows = options === undefined ? given : given.slice(0, -1);
  return serveFlows(
    flows.map((flow) => servedFlow(flow, {})),
    options ?? {},
  );
}

/** One flow, under a deployment of its own. */
export async function serveFlow(flow: unknown, options: ServeFlowOptions = {}): Promise<Serving> {
  return serveFlows([servedFlow(flow, options)], options);
}

async function serveFlows(flows: readonly ServedFlow[], options: ServeOptions): Promise<Serving> {
  check(flows, options);
  const source = locateProfile();
  if (source === undefined) throw new DownbeatError("profile_missing");
  // Only now: client and sealing are most of the start-up time of a script that serves nothing.
  const { startServing } = await import("./start-serving.ts");
  return startServing(source, flows, options);
}

function servedFlow(
  flow: unknown,
  { deployment = "default", tags = [], parameters = {}, ...others }: ServeFlowOptions,
): ServedFlow {
  const definition = flowDefinitionOf(flow);
  if (definition === undefined)
    throw invalid("serve() was given something that is neither a flow nor a background task");
  if (definition.exclusive === true)
    throw invalid(
      `flow "${definition.name}" is exclusive: that takes a process that can be killed; run it with an agent`,
    );
  const { deploymentName } = deploymentNamed({ flow: definition.name, deployment });
  const defaults = JSON.parse(jsonText("parameters", parameters)) as Record<string, unknown>;
  const { hostTransit, limits, retry, timeoutSeconds } = others;
  const config = {
    tags: checkTags(tags),
    parameters: defaults,
    ...(hostTransit !== undefined && { hostTransit }),
    ...(limits !== undefined && { limits }),
    ...(retry !== undefined && { retry }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  };
  return { definition, deploymentName, config };
}

function check(flows: readonly ServedFlow[], options: ServeOptions): void {
  const { concurrency = 10, drainSeconds = 30 } = options;
  const names = flows.map(({ definition }) => definition.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw invalid(`serve() was given two flows called "${twice}"`);
  if (names.length === 0 || names.length > MOST_FLOWS)
    throw invalid(`serve() was given ${names.length} flows; it takes 1 to ${MOST_FLOWS}`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000)
    throw invalid(`serve() was given concurrency ${concurrency}; it takes 1 to 10000`);
  if (!(drainSeconds >= 0 && drainSeconds <= LONGEST_DRAIN_SECONDS))
    throw invalid(
      `serve() was given drainSeconds ${drainSeconds}; it takes 0 to ${LONGEST_DRAIN_SECONDS}`,
    );
}

function invalid(message: string): DownbeatError {
  return new DownbeatError("definition_invalid", { message });
}
