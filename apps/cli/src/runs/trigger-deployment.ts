import type { Deployment, Run, RunSpec } from "@downbeat/contract";
import { sealToPublicKey } from "@downbeat/seal";
import { signTrigger } from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import type { CliContext } from "../context.ts";
import { readParameters, type ParameterOptions } from "../parameters/read-parameters.ts";
import type { SchemaNode } from "../parameters/schema-node.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import { signingInForce } from "../signing.ts";
import { parameterCheckOf } from "./parameter-check.ts";

export type TriggerOptions = ParameterOptions & {
  readonly scheduledFor?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Whether to refuse to trigger without a signing key; with one it is signed in any case. */
  readonly sign?: boolean | undefined;
};

/** Checks the parameters, seals them to the pinned key, and asks the API for a run. */
export async function triggerDeployment(
  context: CliContext,
  deployment: Deployment,
  options: TriggerOptions,
): Promise<Run> {
  const connection = await context.connect();
  const schema = deployment.parameterSchema as SchemaNode | null;
  const parameters = await readParameters(options, schema);
  const check = await parameterCheckOf(context, deployment);
  check(parameters);
  const dep = `${deployment.flowName}/${deployment.name}`;
  // An idempotency key names the run already; without one the caller does, and seals the parameters for that run alone.
  const runId = options.idempotencyKey === undefined ? uuidv7() : undefined;
  const sealed =
    Object.keys(parameters).length === 0
      ? null
      : await sealToPublicKey(
          await pinnedPublicKey(connection),
          { kind: "parameters", dep, run: runId },
          parameters,
        );
  const spec: RunSpec = {
    flowName: deployment.flowName,
    deploymentName: deployment.name,
    ...(runId !== undefined && { runId }),
    parameters: sealed,
    tags: [...(options.tag ?? [])],
    ...(options.scheduledFor !== undefined && { scheduledFor: options.scheduledFor }),
    ...(options.idempotencyKey !== undefined && { idempotencyKey: options.idempotencyKey }),
  };
  const signing = await signingInForce(context, options.sign);
  const signature = signing && (await signTrigger(signing, spec));
  return connection.client.call("createRun", {
    body: { ...spec, ...(signature !== undefined && { signature }) },
  });
}
