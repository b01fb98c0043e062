import type { z } from "zod";
import type { PersistOption } from "./cache/cache-options.ts";
import { callCrashHooks } from "./call-crash-hooks.ts";
import { callTask } from "./call-task.ts";
import { nameOf } from "./definition-name.ts";
import { FLOW } from "./flow-definition.ts";
import type { FlowDefinition } from "./flow-definition.ts";
import { argumentsOf, checkRawParameters } from "./flow-parameters.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { currentFrame } from "./frame.ts";
import { parametersJsonSchema } from "./parameter-schema.ts";
import { planKeeping } from "./results/keep-plan.ts";
import { checkRetryOptions } from "./retry-policy.ts";
import type { RetryOptions } from "./retry-policy.ts";
import { executeFlow, runFlow } from "./run-flow.ts";
import type { ErrorRecord, RunHost } from "./run-host.ts";
import { currentStage } from "./run-stage.ts";
import { checkConcurrency } from "./slots.ts";
import { hookTableOf } from "./state-hooks.ts";
import type { FlowHooks } from "./state-hooks.ts";
import { serveFlow, type ServeFlowOptions, type Serving } from "./serve/serve.ts";
import { openStandaloneRun } from "./standalone/open-standalone-run.ts";
import { TaskRun } from "./task-run.ts";
import type { TaskSpec } from "./task-spec.ts";

/** What a flow is called, how it is retried and timed out, and who hears of its states. */
export type FlowOptions = RetryOptions &
  FlowHooks & {
    /** What the flow is called everywhere, in clear. Default: the function's own name. */
    readonly name?: string;
    /**
     * How many of the flow's tasks run at a time; the others wait. What a task calls itself shares its place. Default: no
     * limit.
     */
    readonly concurrency?: number;
    /** Keeps what the flow returns. An attempt of a run that has kept it does not call the function. Default false. */
    readonly persist?: PersistOption;
    /**
     * Agents never execute two attempts of a run at once: the process is killed before its lease ends when the plane is out
     * of reach. Deployments of the flow are `exclusive` unless the project's configuration says otherwise. Default false.
     */
    readonly exclusive?: boolean;
    /**
     * Whether the flow's log is deflated before it is sealed. Set it to false where text that an outsider can choose is logged
     * beside secrets: the length of what is sealed would then tell about the secret. Default true.
     */
    readonly compressLogs?: boolean;
    /**
     * Whether what a run of the flow writes to `console` becomes part of its log, with level and task, as {@link captureConsole}
     * has it for all runs. Default: as the process does with all of them.
     */
    readonly captureConsole?: boolean;
  };

type ParameterArguments<S extends z.ZodType> =
  undefined extends z.input<S> ? [parameters?: z.input<S>] : [parameters: z.input<S>];

/** A flow: the function it wraps, called the same way, returning a promise of what the function returns. */
export type Flow<A extends readonly unknown[] = never[], R = unknown> = ((
  ...args: A
) => Promise<R>) & {
  readonly flowName: string;
  readonly [FLOW]: FlowDefinition;
  /**
   * Registers the flow as a deployment and executes its runs in this process, until it is asked to stop: see {@link serve}.
   *
   * @example
   * const serving = await weather.serve({ concurrency: 4 });
   * @throws DownbeatError as {@link serve}
   */
  serve(options?: ServeFlowOptions): Promise<Serving>;
};

/**
 * Makes a flow of a function. Calling it runs it here, in this process, server or not; deploying it lets an agent run
 * it too. With `parameters` (a zod schema) the input is checked first and the function receives the parsed output;
 * without, the function keeps its own signature. A flow called inside a flow runs inline, as one of its tasks.
 *
 * @example
 * export const weather = flow({ name: "weather-report", parameters: z.object({ year: z.int() }) }, async ({ year }) => { … });
 * await weather({ year: 2014 });
 * @throws DownbeatError `definition_invalid` when the name is missing or an option cannot work. A call rejects with
 * ParameterError, with what the function threw, or with TimeoutError.
 */
export function flow<S extends z.ZodType, R>(
  options: FlowOptions & { readonly parameters: S },
  fn: (parameters: z.output<S>) => R,
): Flow<ParameterArguments<S>, Awaited<R>>;
export function flow<A extends unknown[], R>(
  options: FlowOptions & { readonly parameters?: undefined },
  fn: (...args: A) => R,
): Flow<A, Awaited<R>>;
export function flow<A extends unknown[], R>(fn: (...args: A) => R): Flow<A, Awaited<R>>;
export function flow(first: FlowInput | FlowSpec["fn"], second?: FlowSpec["fn"]): Flow {
  const [input, fn] = typeof first === "function" ? [{}, first] : [first, second];
  const { name: given, parameters, persist, ...rest }: FlowInput = input;
  const { concurrency, exclusive, compressLogs, captureConsole, ...options } = rest;
  const name = nameOf("flow", given, fn);
  checkRetryOptions(`flow "${name}"`, options);
  checkConcurrency(`flow "${name}"`, concurrency);
  const hooks = hookTableOf(options);
  const keep = planKeeping(`flow "${name}"`, { persist }, fn as FlowSpec["fn"]);
  const spec = {
    name,
    parameters,
    options,
    keep,
    hooks,
    concurrency,
    exclusive,
    compressLogs,
    captureConsole,
    fn: fn as FlowSpec["fn"],
  };
  const inline = inlineSpecOf(spec);
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return currentFrame()?.scope === undefined
      ? callFlow(spec, this, args)
      : callTask(new TaskRun(inline, args, currentFrame()?.task?.run), this);
  };
  Object.defineProperties(wrapped, {
    name: { value: name, configurable: true },
    length: { value: spec.fn.length, configurable: true },
    flowName: { value: name, enumerable: true },
    [FLOW]: { value: definitionOf(spec) },
    serve: { value: (options?: ServeFlowOptions) => serveFlow(wrapped, options) },
  });
  return wrapped as unknown as Flow;
}

type FlowInput = FlowOptions & { readonly parameters?: z.ZodType | undefined };

function definitionOf(spec: FlowSpec): FlowDefinition {
  return {
    protocol: 1,
    name: spec.name,
    ...(spec.options.timeoutMs !== undefined && { timeoutMs: spec.options.timeoutMs }),
    ...(spec.exclusive === true && { exclusive: true }),
    ...(spec.compressLogs === false && { compressLogs: false }),
    parametersJsonSchema: () => parametersJsonSchema(spec.parameters),
    validateParameters: async (raw) => {
      const checked = await checkRawParameters(spec, raw);
      return checked.ok ? [] : checked.issues;
    },
    execute: (raw, host) => executeFlow(spec, raw, host),
    ...(spec.hooks?.CRASHED !== undefined && {
      crashed: (error: ErrorRecord, host: RunHost) => callCrashHooks(spec, error, host),
    }),
  };
}

/** The flow as a task of the flow around it. */
function inlineSpecOf(spec: FlowSpec): TaskSpec {
  return {
    noun: "flow",
    name: spec.name,
    owner: `flow "${spec.name}"`,
    fn: spec.fn,
    retry: spec.options,
    keep: spec.keep,
    hooks: spec.hooks,
    concurrency: spec.concurrency,
    ...(spec.parameters !== undefined && { parse: (args) => argumentsOf(spec, args) }),
  };
}

async function callFlow(
  spec: FlowSpec,
  thisArg: unknown,
  given: readonly unknown[],
): Promise<unknown> {
  const args = await argumentsOf(spec, given);
  const stage = currentStage();
  const hosted = stage === undefined ? openStandaloneRun(spec, given) : stage.open(spec.name);
  const isStaged = stage !== undefined;
  const call = {
    spec,
    thisArg,
    args,
    host: hosted?.host,
    printsLogs: !isStaged,
    waitsForTasks: isStaged,
  };
  const end = await runFlow(call);
  await hosted?.finish(end.outcome);
  if (end.threw) throw end.error;
  return end.result;
}
