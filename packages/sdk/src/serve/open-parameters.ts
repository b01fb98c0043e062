import { placeOfParameters, type Lease } from "@downbeat/contract";
import type { SealContext } from "@downbeat/seal";
import { z } from "zod";
import { insist } from "../remote/insist.ts";
import type { ServeKeys } from "./serve-keys.ts";

const Parameters = z.record(z.string(), z.unknown());

/**
 * Opens what a run was triggered with, over the deployment's defaults. Waits out network trouble.
 *
 * @throws SealError, ZodError when the seal holds no object, the signal's reason
 */
export async function openParameters(
  keys: Pick<ServeKeys, "open">,
  { flowName, deploymentName, runId: run, defaultParameters, parameters }: Lease,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const dep = `${flowName}/${deploymentName}`;
  const open = (blob: string, context: SealContext): Promise<unknown> =>
    insist(() => keys.open(blob, context), { forMs: Infinity, signal });
  const [defaults, own] = await Promise.all([
    defaultParameters === null ? {} : open(defaultParameters, { kind: "defaults", dep }),
    parameters === null ? {} : open(parameters, placeOfParameters(parameters, { dep, run })),
  ]);
  return { ...Parameters.parse(defaults), ...Parameters.parse(own) };
}
