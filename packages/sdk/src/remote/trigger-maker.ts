import {
  DownbeatError,
  isDownbeatError,
  refuseUnsealed,
  type Deployment,
  type RunSpec,
  type Sealed,
} from "@downbeat/contract";
import { blindTag, type Keyring, type Opener, type SealContext } from "@downbeat/seal";
import { signTrigger, type Signing } from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import { checkParameters } from "./check-parameters.ts";
import type { Refusal, TriggerRequest } from "./remote-plane.ts";

export type TriggerMakerOptions = {
  readonly readDeployment: (names: {
    flowName: string;
    deploymentName: string;
  }) => Promise<Deployment>;
  readonly seal: (
    context: SealContext<"parameters">,
    value: unknown,
  ) => Promise<Sealed<"parameters">>;
  /** Opens a deployment's own defaults. Undefined without the private key: what is missing then counts as given. */
  readonly opener: Opener | undefined;
  /** Hides idempotency keys, which may be customer data. */
  readonly keyring: Keyring | undefined;
  /** Signs what is made, for agents that run nothing unsigned; undefined: not signed. */
  readonly signing: Omit<Signing, "now"> | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
};

// A deployment is looked up once for a burst of runs; a new schema is noticed this soon.
const FRESH_MS = 5_000;
const MOST_REMEMBERED = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Target = {
  readonly deployment: Deployment;
  readonly defaults: Record<string, unknown> | null;
};

/** Checks what a run is to be triggered with against the registered schema, and seals it. */
export class TriggerMaker {
  readonly #options: TriggerMakerOptions;
  readonly #targets = new Map<string, { target: Promise<Target>; untilMs: number }>();

  constructor(options: TriggerMakerOptions) {
    this.#options = options;
  }

  /**
   * Makes what the API is asked for, or the reason why it will not be asked: one for each request.
   *
   * @throws what keeps all of them from being made, such as `unreachable`
   */
  makeAll(requests: readonly TriggerRequest[]): Promise<readonly (RunSpec | Refusal)[]> {
    return Promise.all(
      requests.map((request) =>
        this.#make(request).catch((error: unknown): Refusal => {
          if (!isDownbeatError(error) || error.retryable) throw error;
          return { refusal: { code: error.code, message: withIssues(error) } };
        }),
      ),
    );
  }

  async #make(request: TriggerRequest): Promise<RunSpec> {
    const { flowName, deploymentName, parameters, tags, scheduledFor, parentRunId } = request;
    const runId = request.runId ?? this.#ownRunId(request);
    const { deployment, defaults } = await this.#target(flowName, deploymentName);
    const partial = deployment.defaultParameters !== null && defaults === null;
    checkParameters(flowName, { ...defaults, ...parameters }, deployment.parameterSchema, {
      partial,
    });
    const dep = `${flowName}/${deploymentName}`;
    return this.#signed({
      flowName,
      deploymentName,
      parameters: sealedWithin(
        await this.#options.seal(
          { kind: "parameters", dep, run: runId, trace: request.traceparent },
          parameters,
        ),
      ),
      tags: [...tags],
      ...(scheduledFor !== undefined && { scheduledFor }),
      ...(runId !== undefined && { runId }),
      ...(parentRunId !== undefined && { parentRunId }),
      ...(request.idempotencyKey !== undefined && {
        idempotencyKey: await this.#hidden(request.idempotencyKey),
      }),
    });
  }

  /** What is signed must name its run: nobody but the caller can say which of two runs it meant. */
  #ownRunId({ idempotencyKey }: TriggerRequest): string | undefined {
    const { signing } = this.#options;
    return signing === undefined || idempotencyKey !== undefined ? undefined : uuidv7();
  }

  async #signed(spec: RunSpec): Promise<RunSpec> {
    const { signing } = this.#options;
    if (signing === undefined) return spec;
    return { ...spec, signature: await signTrigger({ ...signing, now: new Date() }, spec) };
  }

  #target(flowName: string, deploymentName: string): Promise<Target> {
    const key = `${flowName}/${deploymentName}`;
    const nowMs = this.#options.nowMs();
    const known = this.#targets.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.target;
    const target = this.#read(flowName, deploymentName);
    if (this.#targets.size >= MOST_REMEMBERED) this.#targets.clear();
    this.#targets.set(key, { target, untilMs: nowMs + FRESH_MS });
    target.catch(() => this.#targets.delete(key));
    return target;
  }

  async #read(flowName: string, deploymentName: string): Promise<Target> {
    const { readDeployment, opener } = this.#options;
    const deployment = await readDeployment({ flowName, deploymentName });
    const { defaultParameters } = deployment;
    if (defaultParameters === null || opener === undefined) return { deployment, defaults: null };
    const context = { kind: "defaults", dep: `${flowName}/${deploymentName}` } as const;
    const defaults = (await opener.open(defaultParameters, context)) as Record<string, unknown>;
    return { deployment, defaults };
  }

  // A UUID says nothing and is what the command line sends, so that both can name the same run.
  async #hidden(idempotencyKey: string): Promise<string> {
    if (UUID.test(idempotencyKey)) return idempotencyKey.toLowerCase();
    const { keyring } = this.#options;
    if (keyring !== undefined) return blindTag(keyring, "idempotency-key", idempotencyKey);
    throw new DownbeatError("key_missing", {
      message:
        "An idempotency key that is no UUID is hidden with the workspace key, which is not on this machine.",
    });
  }
}

// Refused here, for this run alone: the API would refuse the whole call.
function sealedWithin(sealed: Sealed<"parameters">): Sealed<"parameters"> {
  const refusal = refuseUnsealed(sealed, "parameters");
  if (refusal === undefined) return sealed;
  throw new DownbeatError("payload_too_large", { message: `What the run is given ${refusal}.` });
}

function withIssues({ message, issues }: DownbeatError): string {
  const named = issues.map(({ path, message: why }) => `${path || "the parameters"}: ${why}`);
  return named.length === 0 ? message : `${message} ${named.join("; ")}`;
}
