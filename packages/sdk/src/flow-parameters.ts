import type { ErrorIssue } from "@downbeat/contract";
import { ParameterError } from "./errors.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { issuesOf } from "./zod-issues.ts";

type Checked =
  | { readonly ok: true; readonly args: readonly unknown[] }
  | { readonly ok: false; readonly issues: readonly ErrorIssue[]; readonly cause?: unknown };

/**
 * The arguments to call the flow's function with.
 *
 * @throws ParameterError when they do not fit the flow's schema.
 */
export async function argumentsOf(
  spec: FlowSpec,
  given: readonly unknown[],
): Promise<readonly unknown[]> {
  const checked = await checkArguments(spec, given);
  if (checked.ok) return checked.args;
  throw new ParameterError(`flow "${spec.name}"`, checked.issues, checked.cause);
}

/** The same for parameters that came as one JSON value; a flow with a positional signature cannot be called so. */
export async function checkRawParameters(spec: FlowSpec, raw: unknown): Promise<Checked> {
  if (spec.parameters === undefined && spec.fn.length > 1) {
    const message = `takes ${spec.fn.length} positional arguments; give the flow a \`parameters\` schema to trigger it`;
    return { ok: false, issues: [{ path: "", message }] };
  }
  return checkArguments(spec, [raw ?? {}]);
}

async function checkArguments(spec: FlowSpec, given: readonly unknown[]): Promise<Checked> {
  if (spec.parameters === undefined) return { ok: true, args: given };
  if (given.length > 1) {
    const message = `takes one object of parameters; it was called with ${given.length} arguments`;
    return { ok: false, issues: [{ path: "", message }] };
  }
  const result = await spec.parameters.safeParseAsync(given[0]);
  if (result.success) return { ok: true, args: [result.data] };
  return { ok: false, issues: issuesOf(result.error), cause: result.error };
}
