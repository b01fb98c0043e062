import {
  DownbeatError,
  passedThroughHost,
  type DeploymentStatement,
  type Lease,
  type TriggerStatement,
} from "@downbeat/contract";
import { isSealError } from "@downbeat/seal";
import { SignedInputs } from "@downbeat/sdk/protocol";
import { digestOf, verifyStatement, type TrustedSigners } from "@downbeat/seal/node";
import type { Logger } from "pino";
import { DeploymentMemory } from "./deployment-memory.ts";
import { instant } from "./instant.ts";
import type { Store, StoreOperation } from "./store.ts";
import { TriggerMemory } from "./trigger-memory.ts";

export type SignedWorkOptions = {
  /** Whose work is run. */
  readonly signers: TrustedSigners;
  readonly workspaceId: string;
  /** As configured here, not as the plane says. */
  readonly poolName: string;
  readonly store: Store;
  readonly now: () => Date;
  readonly logger: Logger;
  /** `warn`: what is not signed runs all the same, and the log says so. */
  readonly onRefusal: "block" | "warn";
};

// Clocks differ.
const CLOCK_SKEW_SECONDS = 300;
const MOST_REMEMBERED = 1_000;

const SEALED_BY_THE_PLANE =
  "Its parameters were sent in clear and sealed by the hosted plane (host-transit), so no key of the customer's signed them.";

/** Lets only those leases pass whose deployment and trigger a listed key has signed, as they are and for this run. */
export class SignedWork {
  readonly #options: SignedWorkOptions;
  readonly #triggers: TriggerMemory;
  readonly #deployments: DeploymentMemory;
  /** Which inputs of pause points count. */
  readonly inputs: SignedInputs;
  /** The same statement comes with every run of a deployment. */
  readonly #verified = new Map<string, Promise<DeploymentStatement>>();

  constructor(options: SignedWorkOptions) {
    this.#options = options;
    this.#triggers = new TriggerMemory(options);
    this.#deployments = new DeploymentMemory(options);
    const { onRefusal, logger } = options;
    this.inputs = new SignedInputs({
      ...options,
      firstOf: (given) => this.#triggers.firstInput(given),
      onTolerated:
        onRefusal === "block"
          ? undefined
          : (runId, refused) =>
              logger.warn(
                { runId, ...refused },
                "an input that is not signed as it should be counts all the same",
              ),
    });
  }

  /** @throws DownbeatError `signature_refused`, saying what is wrong */
  async check(lease: Lease): Promise<void> {
    try {
      await this.#check(lease);
    } catch (error) {
      const refusal = toRefusal(error);
      if (this.#options.onRefusal === "block") throw refusal;
      const { runId, flowName, deploymentName } = lease;
      this.#options.logger.warn(
        { runId, flowName, deploymentName, why: refusal.message },
        "work that is not signed as it should be is run all the same",
      );
    }
  }

  /** What is to be written with the last report of a run. */
  ended(lease: Lease, end: { readonly completed: boolean }): StoreOperation[] {
    return this.#triggers.ended(lease, end);
  }

  /** The lease is over here. */
  forget(lease: Lease): void {
    this.#triggers.forget(lease);
  }

  async #check(lease: Lease): Promise<void> {
    if (passedThroughHost(lease.parameters)) throw refused(SEALED_BY_THE_PLANE);
    if (lease.deploymentSignature === null) throw refused("The deployment is not signed.");
    if (lease.signature === null) throw refused("The trigger of this run is not signed.");
    const deployment = await this.#verifiedDeployment(lease.deploymentSignature);
    this.#requireEqual("deployment", expectedOfDeployment(lease, this.#options), deployment);
    this.#requirePast(deployment);
    await this.#deployments.admit(deployment);
    const trigger = await verifyStatement("trigger", lease.signature, this.#options.signers);
    this.#requireEqual("trigger", expectedOfTrigger(lease, this.#options), trigger);
    if (trigger.run !== undefined) this.#requireEqual("trigger", { run: lease.runId }, trigger);
    this.#requireTime(trigger);
    const name = trigger.run ?? `key:${trigger.key ?? ""}`;
    await this.#triggers.admit(lease, { name, exp: trigger.exp });
  }

  #verifiedDeployment(signature: string): Promise<DeploymentStatement> {
    const known = this.#verified.get(signature);
    if (known !== undefined) return known;
    const verified = verifyStatement("deployment", signature, this.#options.signers);
    if (this.#verified.size >= MOST_REMEMBERED) this.#verified.clear();
    this.#verified.set(signature, verified);
    verified.catch(() => this.#verified.delete(signature));
    return verified;
  }

  #requireEqual<T extends object>(what: string, expected: Partial<T>, stated: T): void {
    for (const [field, value] of Object.entries(expected)) {
      const said: unknown = stated[field as keyof T];
      if (said === value) continue;
      throw refused(
        `The signed ${what} states ${field} ${JSON.stringify(said)}, but the plane gave ${JSON.stringify(value)}.`,
      );
    }
  }

  /** Once remembered as the newest, it would keep out everything that is signed until then. */
  #requirePast({ iat }: DeploymentStatement): void {
    if (iat <= this.#options.now().getTime() / 1000 + CLOCK_SKEW_SECONDS) return;
    throw refused(`The deployment was signed ${instant(iat)}, which has not come yet.`);
  }

  #requireTime({ at, exp }: TriggerStatement): void {
    const nowSeconds = this.#options.now().getTime() / 1000;
    if (at !== null && nowSeconds < at - CLOCK_SKEW_SECONDS)
      throw refused(`The trigger is for ${instant(at)} and not before.`);
    if (nowSeconds > exp + CLOCK_SKEW_SECONDS)
      throw refused(`The trigger was good until ${instant(exp)}; trigger the deployment anew.`);
  }
}

type Place = Pick<SignedWorkOptions, "workspaceId" | "poolName">;

function expectedOfDeployment(
  lease: Lease,
  { workspaceId, poolName }: Place,
): Omit<DeploymentStatement, "iat"> {
  return {
    ws: workspaceId,
    dep: deploymentOf(lease),
    pool: poolName,
    contentHash: lease.contentHash,
    entrypoint: digestOf(lease.entrypoint),
    defaults: lease.defaultParameters === null ? null : digestOf(lease.defaultParameters),
    timeoutSeconds: lease.timeoutSeconds,
    exclusive: lease.exclusive,
  };
}

function expectedOfTrigger(
  lease: Lease,
  { workspaceId }: Place,
): Pick<TriggerStatement, "ws" | "dep" | "parameters"> {
  return {
    ws: workspaceId,
    dep: deploymentOf(lease),
    parameters: lease.parameters === null ? null : digestOf(lease.parameters),
  };
}

function deploymentOf({ flowName, deploymentName }: Lease): string {
  return `${flowName}/${deploymentName}`;
}

function toRefusal(error: unknown): DownbeatError {
  if (error instanceof DownbeatError && error.code === "signature_refused") return error;
  if (isSealError(error) && error.code === "signature_refused")
    return refused(error.message, error);
  // What cannot be checked is not run either.
  return refused(`The signatures could not be checked: ${String(error)}`, error);
}

function refused(message: string, cause?: unknown): DownbeatError {
  return new DownbeatError("signature_refused", { message, cause });
}
