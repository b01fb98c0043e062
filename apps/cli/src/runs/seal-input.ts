import type { RunPause, Sealed } from "@downbeat/contract";
import { sealToPublicKey } from "@downbeat/seal";
import type { CliContext } from "../context.ts";
import { checkParameters } from "@downbeat/sdk/protocol";
import { readParameters, type ParameterOptions } from "../parameters/read-parameters.ts";
import type { SchemaNode } from "../parameters/schema-node.ts";
import { pinnedPublicKey } from "../pinned-key.ts";

/**
 * Reads the input for a pause point, checks it and seals it to the pinned key; null when the point takes none.
 *
 * @throws {DownbeatError} `parameters_invalid`, `usage_invalid`
 */
export async function sealInput(
  context: CliContext,
  { runId, pause }: { readonly runId: string; readonly pause: RunPause },
  options: ParameterOptions,
): Promise<Sealed<"input"> | null> {
  const schema = pause.inputSchema as SchemaNode | null;
  const input = await readParameters(options, schema);
  if (schema === null && Object.keys(input).length === 0) return null;
  checkParameters(`pause "${pause.key}"`, input, schema);
  const key = await pinnedPublicKey(await context.connect());
  return sealToPublicKey(key, { kind: "input", run: runId, point: pause.key }, input);
}
