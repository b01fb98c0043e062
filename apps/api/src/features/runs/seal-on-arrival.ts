import {
  areClear,
  DownbeatError,
  refuseUnsealed,
  type RunSpec,
  type TriggerSpec,
} from "@downbeat/contract";
import { readDeploymentByName, readWorkspace } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import { sealToWorkspace } from "../../seal-to-workspace.ts";
import type { Services } from "../../services.ts";

/**
 * Seals the parameters of a trigger that came in clear, if the deployment lets them. They are in nothing but this
 * request's memory before, and in nothing at all afterwards.
 *
 * @throws {DownbeatError} `plaintext_refused` for every other deployment, `workspace_key_unusable`, `payload_too_large`,
 *   `validation_failed` with a signature
 */
export async function sealOnArrival(
  { database }: Services,
  ctx: RequestContext,
  { parameters, ...spec }: TriggerSpec,
): Promise<RunSpec> {
  if (!areClear(parameters)) return { ...spec, parameters };
  const { workspace, deployment } = await database.inWorkspace(ctx, async (tx) => ({
    deployment: await readDeploymentByName(tx, spec),
    workspace: await readWorkspace(tx),
  }));
  if (workspace === undefined || deployment?.hostTransit !== true) throw mustBeSealed(spec);
  if (spec.signature !== undefined) throw cannotBeSigned();
  const place = { dep: `${spec.flowName}/${spec.deploymentName}`, run: spec.runId };
  const sealed = await sealToWorkspace(workspace, place, parameters);
  const refusal = refuseUnsealed(sealed, "parameters");
  if (refusal !== undefined)
    throw new DownbeatError("payload_too_large", { message: `Sealed, \`parameters\` ${refusal}.` });
  return { ...spec, parameters: sealed };
}

type Names = Pick<TriggerSpec, "flowName" | "deploymentName">;

// One answer whether or not there is such a deployment: without one that says otherwise, the field must be sealed.
function mustBeSealed({ flowName, deploymentName }: Names): DownbeatError {
  const message = `is not a sealed blob (compact JWE) of kind "parameters", and no deployment "${flowName}/${deploymentName}" takes them in clear (hostTransit)`;
  return refused("plaintext_refused", { path: "parameters", message });
}

function cannotBeSigned(): DownbeatError {
  const message = "cannot be of parameters in clear: it is over sealed ones";
  return refused("validation_failed", { path: "signature", message });
}

function refused(
  code: "plaintext_refused" | "validation_failed",
  issue: { readonly path: string; readonly message: string },
): DownbeatError {
  const message = `\`${issue.path}\`: ${issue.message}.`;
  return new DownbeatError(code, { message, issues: [issue] });
}
