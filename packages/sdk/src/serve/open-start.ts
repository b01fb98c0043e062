import { placeOfParameters, type Lease, type RunInput } from "@downbeat/contract";
import type { SealContext } from "@downbeat/seal";
import { z } from "zod";
import { insist } from "../remote/insist.ts";
import type { ServeKeys } from "./serve-keys.ts";

/** What a flow begins with. */
export type OpenedStart = {
  readonly parameters: Record<string, unknown>;
  /** What the pause points that earlier attempts passed were given, by key. */
  readonly inputs: Record<string, unknown>;
};

const Parameters = z.record(z.string(), z.unknown());

type Keys = Pick<ServeKeys, "open">;

/**
 * Opens what a run was triggered with, over the deployment's defaults, and what it was given since. Waits out network trouble.
 *
 * @throws SealError, ZodError when the seal holds no object, the signal's reason
 */
export async function openStart(
  keys: Keys,
  lease: Lease,
  signal: AbortSignal,
): Promise<OpenedStart> {
  const { flowName, deploymentName, runId: run, defaultParameters, parameters } = lease;
  const dep = `${flowName}/${deploymentName}`;
  const [defaults, own, inputs] = await Promise.all([
    defaultParameters === null
      ? {}
      : open(keys, { blob: defaultParameters, context: { kind: "defaults", dep }, signal }),
    parameters === null
      ? {}
      : open(keys, {
          blob: parameters,
          context: placeOfParameters(parameters, { dep, run }),
          signal,
        }),
    Promise.all(
      lease.inputs.map(async (given) => [
        given.key,
        await openInput(keys, { ...given, run, signal }),
      ]),
    ),
  ]);
  return {
    parameters: { ...Parameters.parse(defaults), ...Parameters.parse(own) },
    inputs: Object.fromEntries(inputs) as Record<string, unknown>,
  };
}

/** Opens what someone gave to a run that waited; null for nothing. @throws as {@link openStart} */
export async function openInput(
  keys: Keys,
  {
    run,
    key: point,
    input,
    signal,
  }: Pick<RunInput, "key" | "input"> & { run: string; signal: AbortSignal },
): Promise<unknown> {
  return input === null
    ? null
    : open(keys, { blob: input, context: { kind: "input", run, point }, signal });
}

type Sealed = {
  readonly blob: string;
  readonly context: SealContext;
  readonly signal: AbortSignal;
};

function open(keys: Keys, { blob, context, signal }: Sealed): Promise<unknown> {
  return insist(() => keys.open(blob, context), { forMs: Infinity, signal });
}
