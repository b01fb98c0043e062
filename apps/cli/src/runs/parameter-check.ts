import { DownbeatError, type Deployment } from "@downbeat/contract";
import { checkParameters } from "@downbeat/sdk/protocol";
import type { CliContext } from "../context.ts";
import type { SchemaNode } from "../parameters/schema-node.ts";
import { tryOpen } from "./run-error.ts";

/** Throws a DownbeatError `parameters_invalid` whose issues name the parameters, or `payload_too_large`. */
export type ParameterCheck = (parameters: Record<string, unknown>) => void;

/**
 * Makes the check of parameters against a deployment's flow. The deployment's own defaults count, as far as the key on this
 * machine opens them.
 */
export async function parameterCheckOf(
  context: CliContext,
  deployment: Deployment,
): Promise<ParameterCheck> {
  const fits = await fitOf(context, deployment);
  return (parameters) => {
    fits(parameters);
    checkSize(parameters);
  };
}

// Sealed text may have 768 KiB of characters; base64 makes 4 of 3 bytes, and the rest takes less than a KiB.
const LARGEST_PARAMETERS = 574 * 1024;

function checkSize(parameters: Record<string, unknown>): void {
  const bytes = Buffer.byteLength(JSON.stringify(parameters));
  if (bytes <= LARGEST_PARAMETERS) return;
  throw new DownbeatError("payload_too_large", {
    message: `The parameters take ${bytes} bytes as JSON; ${LARGEST_PARAMETERS} are allowed.`,
  });
}

async function fitOf(context: CliContext, deployment: Deployment): Promise<ParameterCheck> {
  const { defaultParameters, flowName, name } = deployment;
  const schema = deployment.parameterSchema as SchemaNode | null;
  if (defaultParameters === null)
    return (parameters) => checkParameters(flowName, parameters, schema);
  const defaults = await tryOpen(async () => {
    const { opener } = await context.unlock();
    return opener.open(defaultParameters, { kind: "defaults", dep: `${flowName}/${name}` });
  });
  if ("sealed" in defaults)
    return (parameters) => checkParameters(flowName, parameters, schema, { partial: true });
  return (parameters) =>
    checkParameters(flowName, { ...(defaults.value as object), ...parameters }, schema);
}
