import { DownbeatError } from "@downbeat/contract";

/** A flow, or one deployment of it. */
export type Target = { readonly flowName: string; readonly deploymentName?: string };

/**
 * Reads `flow` or `flow/deployment`.
 *
 * @throws {DownbeatError} `usage_invalid`
 */
export function parseTarget(text: string): Target {
  const [flowName = "", deploymentName, ...rest] = text.split("/");
  if (flowName !== "" && deploymentName !== "" && rest.length === 0)
    return { flowName, ...(deploymentName !== undefined && { deploymentName }) };
  throw new DownbeatError("usage_invalid", {
    message: `"${text}" is not FLOW or FLOW/DEPLOYMENT.`,
  });
}
