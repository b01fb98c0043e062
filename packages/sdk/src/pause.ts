import { DownbeatError } from "@downbeat/contract/errors";
import type { z } from "zod";
import { nameOf } from "./definition-name.ts";
import { currentFrame, type Frame } from "./frame.ts";
import { parametersJsonSchema } from "./parameter-schema.ts";
import { checkInput, type PausePoint } from "./pause-point.ts";
import type { RunHost } from "./run-host.ts";
import type { RunScope } from "./run-scope.ts";

/** What a pause point is called, and how long it waits. */
export type PauseOptions = {
  /** What this point is called, in clear. The same key again in one run counts on: `key`, `key-2` … Default "pause". */
  readonly key?: string;
  /** How long to wait for someone, in seconds. Default: as long as it takes. */
  readonly timeoutSeconds?: number;
};

/** What is awaited, and what becomes of the run when nobody resumes it in time. */
type Awaiting<S extends z.ZodType> = PauseOptions & {
  /** zod schema of the input; people are shown its JSON Schema without defaults and examples. */
  readonly input: S;
};
type GoingOn = { readonly onTimeout: "resume" };
type Failing = { readonly onTimeout?: "fail" };

/**
 * Waits in this process until someone resumes the run, and returns what they gave, checked and parsed. The run is PAUSED
 * meanwhile; it keeps its place on the agent, and its time limits run on. For long waits use {@link suspend}. When nobody
 * resumes it within `timeoutSeconds` the run fails, or with `onTimeout: "resume"` this returns null. An attempt that runs
 * again later, after a crash say, is given the same input at once.
 *
 * @example
 * const { approved } = await pause({ key: "approval", input: z.object({ approved: z.boolean() }) });
 * @throws DownbeatError `definition_invalid` outside a run that an agent or serve() drives; InputError when the input does not fit;
 * RunCancelled when the run is cancelled meanwhile.
 */
export function pause<S extends z.ZodType>(options: Awaiting<S> & Failing): Promise<z.output<S>>;
export function pause<S extends z.ZodType>(
  options: Awaiting<S> & GoingOn,
): Promise<z.output<S> | null>;
export function pause(
  options?: PauseOptions & (Failing | GoingOn) & { readonly input?: undefined },
): Promise<null>;
export async function pause(options: AnyOptions = {}): Promise<unknown> {
  const { host, point, frame, scope } = pausePoint("pause", options);
  if (host.pause === undefined) throw unable("pause");
  const known = knownInput(host, point);
  if (known !== undefined) return checkInput(point.key, options.input, known.input);
  const given = host.pause(point, frame.signal);
  if (frame.signal?.aborted !== true) void scope.onPause?.("Paused", point.key);
  return checkInput(point.key, options.input, await given);
}

/**
 * Ends this process (under `serve()` only this run in it) until someone resumes the run, however long that takes. The flow's function then begins again from
 * the top, and every point that it has passed before returns what it was given. Nothing after the call runs now, neither
 * `finally` blocks nor tasks still open; so do what must not be repeated in tasks, or check for it.
 *
 * @throws as {@link pause}.
 */
export function suspend<S extends z.ZodType>(options: Awaiting<S> & Failing): Promise<z.output<S>>;
export function suspend<S extends z.ZodType>(
  options: Awaiting<S> & GoingOn,
): Promise<z.output<S> | null>;
export function suspend(
  options?: PauseOptions & (Failing | GoingOn) & { readonly input?: undefined },
): Promise<null>;
export async function suspend(options: AnyOptions = {}): Promise<unknown> {
  const { host, point, scope } = pausePoint("suspend", options);
  if (host.suspend === undefined) throw unable("suspend");
  const known = knownInput(host, point);
  if (known !== undefined) return checkInput(point.key, options.input, known.input);
  await scope.onPause?.("Suspended", point.key);
  host.suspend(point);
  return new Promise(() => {}); // the host ends this process
}

type AnyOptions = PauseOptions & {
  readonly input?: z.ZodType | undefined;
  readonly onTimeout?: "fail" | "resume";
};

/** What this point was given before; undefined: nothing yet. */
function knownInput(
  { inputs = {}, lapsed = [] }: RunHost,
  { key, onTimeout, timeoutSeconds }: PausePoint,
): { readonly input: unknown } | undefined {
  if (Object.hasOwn(inputs, key)) return { input: inputs[key] };
  const mayLapse = onTimeout === "resume" && timeoutSeconds !== null;
  return mayLapse && lapsed.includes(key) ? { input: null } : undefined;
}

function pausePoint(
  verb: "pause" | "suspend",
  options: AnyOptions,
): { host: RunHost; point: PausePoint; frame: Frame; scope: RunScope } {
  const frame = currentFrame();
  const scope = frame?.scope;
  if (frame === undefined || scope?.host === undefined) throw unable(verb);
  const { timeoutSeconds = null, onTimeout = "fail", input } = options;
  if (timeoutSeconds !== null && (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1)) {
    throw new DownbeatError("definition_invalid", {
      message: `${verb}() was given timeoutSeconds ${timeoutSeconds}; it takes a whole number from 1`,
    });
  }
  const inputSchema = input === undefined ? null : parametersJsonSchema(input);
  const key = keyOf(options, { scope, attempt: frame.flowAttempt });
  scope.flushShown();
  return { host: scope.host, frame, scope, point: { key, inputSchema, timeoutSeconds, onTimeout } };
}

// Counted anew in each attempt, which passes the same points again.
function keyOf(
  { key = "pause" }: PauseOptions,
  { scope, attempt }: { scope: RunScope; attempt: number },
): string {
  nameOf("pause", key, keyOf);
  const index = scope.nextIndex(`pause ${attempt} ${key}`);
  return index === 0 ? key : `${key}-${index + 1}`;
}

function unable(verb: string): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: `${verb}() works only in a flow that an agent or serve() runs: someone has to be able to resume it`,
  });
}
