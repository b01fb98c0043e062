import {
  isDownbeatError,
  placeOfParameters,
  traceOfParameters,
  type Lease,
  type RunInput,
  type StateReasonCode,
} from "@downbeat/contract";
import { screenInputs, type RunMessage, type ScreenedInputs } from "@downbeat/sdk/protocol";
import { isSealError, type Opener, type SealContext } from "@downbeat/seal";
import { z } from "zod";
import { requireAllowed } from "./allowed-entrypoints.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { resolveEntrypoint } from "./project.ts";
import { retrying } from "./retrying.ts";
import { failedBefore, type Ending } from "./run-end.ts";
import type { RunOver } from "./run-over.ts";
import type { SignedWork } from "./signed-work.ts";

export type PreparerOptions = {
  readonly opener: Opener;
  /** Reads the workspace key again; resolves with whether it has changed. */
  readonly reloadKey: () => Promise<boolean>;
  readonly watch: PlaneWatch;
  readonly projectDirectory: string;
  /** What of the project may be run; undefined: all of it. */
  readonly allowed: readonly string[] | undefined;
  /** Undefined: signatures are not asked for. */
  readonly signedWork: Pick<SignedWork, "check" | "inputs"> | undefined;
  readonly workspaceId: string;
  /** Whether what flows write to `console` becomes part of their log. */
  readonly captureConsole: boolean;
  readonly nowMs: () => number;
};

/** What a worker needs, with what of the lease's inputs does not count; or how the run ends because it cannot start. */
export type Prepared =
  | { readonly message: RunMessage; readonly inputs: Omit<ScreenedInputs, "counted"> }
  | { readonly ending: Ending };

/** Whether and when what a run is prepared for is given up. */
type Stop = Pick<RunOver, "isOver" | "signal">;

const NO_INPUTS: ScreenedInputs = { counted: [], lapsed: [], refused: [] };

const Entrypoint = z.object({ path: z.string().min(1), export: z.string().min(1) });
const Parameters = z.record(z.string(), z.unknown());

// The same few entrypoints and defaults come with every run of a deployment.
const MOST_REMEMBERED = 1_000;
// A file that was moved or replaced is noticed this soon.
const PATH_FRESH_MS = 1_000;

/** Opens what is sealed in a lease and finds the flow's module. */
export class RunPreparer {
  readonly #options: PreparerOptions;
  readonly #opened = new Map<
    string,
    { readonly place: string; readonly value: Promise<unknown> }
  >();
  readonly #paths = new Map<string, { path: Promise<string>; untilMs: number }>();

  constructor(options: PreparerOptions) {
    this.#options = options;
  }

  /** Resolves with what a worker needs, or with how the run ends because it cannot start. Waits out network trouble. */
  async prepare(lease: Lease, stop: Stop): Promise<Prepared> {
    let step: Step = "entrypoint";
    const { signedWork } = this.#options;
    try {
      if (signedWork !== undefined) await signedWork.check(lease);
      const entrypoint = Entrypoint.parse(await this.#openShared(lease, "entrypoint", stop));
      requireAllowed(entrypoint, this.#options.allowed);
      const modulePath = await this.#locate(entrypoint.path);
      step = "parameters";
      const parameters = await this.#parameters(lease, stop);
      const { counted, ...inputs } =
        lease.inputs.length === 0 ? NO_INPUTS : await screenInputs(signedWork?.inputs, lease);
      const lapsed = inputs.lapsed.map(({ key }) => key);
      return {
        message: this.#message(lease, {
          modulePath,
          exportName: entrypoint.export,
          parameters,
          inputs: counted.length === 0 ? {} : await this.#inputs(lease, counted, stop),
          ...(lapsed.length > 0 && { lapsed }),
        }),
        inputs,
      };
    } catch (error) {
      if (stop.isOver) throw error;
      return { ending: endingFor(error, step) };
    }
  }

  #message(
    lease: Lease,
    start: Pick<RunMessage, "modulePath" | "exportName" | "parameters" | "inputs" | "lapsed">,
  ): RunMessage {
    const traceparent = traceOfParameters(lease.parameters);
    return {
      type: "run",
      runId: lease.runId,
      epoch: lease.epoch,
      attempt: Math.max(1, lease.epoch),
      flowName: lease.flowName,
      deployment: lease.deploymentName,
      workspaceId: this.#options.workspaceId,
      tellsStart: lease.timeoutSeconds !== null,
      resultsFrom: lease.resultsFrom,
      limitedTags: lease.limitedTags,
      // Off is not said: a flow's module may have asked for it.
      ...(this.#options.captureConsole && { capturesConsole: true }),
      ...(traceparent !== undefined && { traceparent }),
      ...start,
    };
  }

  /** Opens what someone gave to a pause point; null when they gave nothing. */
  async openInput(
    { runId: run }: Lease,
    { key: point, input }: Pick<RunInput, "key" | "input">,
    stop: Stop,
  ): Promise<unknown> {
    return input === null ? null : this.#open(input, { kind: "input", run, point }, stop);
  }

  async #inputs(
    lease: Lease,
    inputs: readonly RunInput[],
    stop: Stop,
  ): Promise<Record<string, unknown>> {
    const opened = inputs.map(async (given) => [
      given.key,
      await this.openInput(lease, given, stop),
    ]);
    return Object.fromEntries(await Promise.all(opened)) as Record<string, unknown>;
  }

  async #parameters(lease: Lease, stop: Stop): Promise<Record<string, unknown>> {
    const { parameters, defaultParameters, runId: run } = lease;
    if (parameters === null && defaultParameters === null) return {};
    const defaults =
      defaultParameters === null ? {} : await this.#openShared(lease, "defaultParameters", stop);
    const place = { dep: deploymentOf(lease), run };
    const own =
      parameters === null
        ? {}
        : await this.#open(parameters, placeOfParameters(parameters, place), stop);
    return { ...Parameters.parse(defaults), ...Parameters.parse(own) };
  }

  /** Opens a blob that comes with every run of the deployment; opened once, remembered by its text. */
  #openShared(
    lease: Lease,
    field: "entrypoint" | "defaultParameters",
    stop: Stop,
  ): Promise<unknown> {
    const blob = lease[field] ?? "";
    const kind = field === "entrypoint" ? "entrypoint" : "defaults";
    const dep = deploymentOf(lease);
    const place = `${kind} ${dep}`;
    const known = this.#opened.get(blob);
    if (known?.place === place) return known.value;
    const value = this.#open(blob, { kind, dep }, stop);
    if (this.#opened.size >= MOST_REMEMBERED) this.#opened.clear();
    this.#opened.set(blob, { place, value });
    value.catch(() => this.#opened.delete(blob));
    return value;
  }

  #open(blob: string, context: SealContext, { signal }: Stop): Promise<unknown> {
    const { watch } = this.#options;
    return retrying(() => this.#openWithNewestKey(blob, context), {
      watch,
      failure: "data keys cannot be fetched",
      signal,
    });
  }

  /** Right after a rotation a blob may need the key that has just been written to the file. */
  async #openWithNewestKey(blob: string, context: SealContext): Promise<unknown> {
    const { opener, reloadKey } = this.#options;
    try {
      return await opener.open(blob, context);
    } catch (error) {
      if (isSealError(error) && error.code === "wrong_key" && (await reloadKey()))
        return opener.open(blob, context);
      throw error;
    }
  }

  #locate(path: string): Promise<string> {
    const nowMs = this.#options.nowMs();
    const known = this.#paths.get(path);
    if (known !== undefined && nowMs < known.untilMs) return known.path;
    const located = resolveEntrypoint(this.#options.projectDirectory, path);
    if (this.#paths.size >= MOST_REMEMBERED) this.#paths.clear();
    this.#paths.set(path, { path: located, untilMs: nowMs + PATH_FRESH_MS });
    located.catch(() => this.#paths.delete(path));
    return located;
  }
}

function deploymentOf(lease: Lease): string {
  return `${lease.flowName}/${lease.deploymentName}`;
}

type Step = "entrypoint" | "parameters";

const REASONS: Record<Step, StateReasonCode> = {
  entrypoint: "entrypoint_invalid",
  parameters: "parameters_unreadable",
};

function endingFor(error: unknown, step: Step): Ending {
  const message = error instanceof Error ? error.message : String(error);
  // A blob that does not open is a matter of keys, whichever blob it is.
  if (isSealError(error))
    return failedBefore("parameters_unreadable", { class: "KeyError", message });
  if (isDownbeatError(error) && error.code === "entrypoint_invalid") {
    return failedBefore("entrypoint_invalid", { class: "EntrypointError", message });
  }
  if (isDownbeatError(error) && error.code === "signature_refused")
    return failedBefore("signature_refused", { class: "SignatureError", message });
  const name = step === "entrypoint" ? "EntrypointError" : "ParameterError";
  return failedBefore(REASONS[step], {
    class: name,
    message: `The sealed ${step} could not be used: ${message}`,
  });
}
