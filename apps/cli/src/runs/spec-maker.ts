import { DownbeatError, type Deployment, type RunSpec, type Sealed } from "@downbeat/contract";
import { createDataKey, sealJson, type DataKey, type SealContext } from "@downbeat/seal";
import { signTrigger } from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import type { CliContext } from "../context.ts";
import type { NumberedLine } from "../parameters/read-lines.ts";
import { readParameters, type ParameterOptions } from "../parameters/read-parameters.ts";
import type { SchemaNode } from "../parameters/schema-node.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import { asDownbeatError } from "../report-error.ts";
import { signingInForce } from "../signing.ts";
import { lineKey } from "./line-key.ts";
import { parameterCheckOf } from "./parameter-check.ts";

/** Beside what the lines themselves say; the parameters stand under those of each line. */
export type EachOptions = ParameterOptions & {
  readonly scheduledFor?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  /** From which the key of each line is derived. Without it every run has an id of its own. */
  readonly idempotencyKey?: string | undefined;
  readonly sign?: boolean | undefined;
};

/** Makes of a line what the API is asked for. Throws a DownbeatError that names the line. */
export type SpecMaker = (line: NumberedLine) => Promise<RunSpec>;

/** Makes the maker for the lines of one command: parameters are checked, sealed with one data key, and signed if that is in force. */
export async function specMakerOf(
  context: CliContext,
  deployment: Deployment,
  { tag = [], ...options }: EachOptions,
): Promise<SpecMaker> {
  const { flowName, name: deploymentName } = deployment;
  const common = await readParameters(options, deployment.parameterSchema as SchemaNode | null);
  const check = await parameterCheckOf(context, deployment);
  const signing = await signingInForce(context, options.sign);
  const seal = sealerWith(context);
  const make = async ({ number, text }: NumberedLine): Promise<RunSpec> => {
    const parameters = { ...common, ...parse(text) };
    check(parameters);
    const name = nameOf(number, options.idempotencyKey);
    const place = {
      kind: "parameters",
      dep: `${flowName}/${deploymentName}`,
      run: name.runId,
    } as const;
    const { scheduledFor } = options;
    const spec: RunSpec = {
      ...name,
      flowName,
      deploymentName,
      parameters: Object.keys(parameters).length === 0 ? null : await seal(place, parameters),
      tags: [...tag],
      ...(scheduledFor !== undefined && { scheduledFor }),
    };
    return signing === undefined ? spec : { ...spec, signature: await signTrigger(signing, spec) };
  };
  return (line) =>
    make(line).catch((error: unknown) => {
      throw atLine(line.number, asDownbeatError(error));
    });
}

// Sealing to the public key takes a millisecond each time; with a data key it takes that once.
function sealerWith(context: CliContext) {
  let made: Promise<DataKey> | undefined;
  return async (
    place: SealContext<"parameters">,
    value: unknown,
  ): Promise<Sealed<"parameters">> => {
    made ??= storedDataKey(context);
    return sealJson(await made, place, value);
  };
}

async function storedDataKey(context: CliContext): Promise<DataKey> {
  const connection = await context.connect();
  const dataKey = await createDataKey({ recipients: [await pinnedPublicKey(connection)] });
  await connection.client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  return dataKey;
}

function nameOf(line: number, key: string | undefined): Pick<RunSpec, "runId" | "idempotencyKey"> {
  return key === undefined ? { runId: uuidv7() } : { idempotencyKey: lineKey(key, line) };
}

function parse(text: string): Record<string, unknown> {
  const value = jsonOf(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new DownbeatError("parameters_invalid", { message: "It is not a JSON object." });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DownbeatError("parameters_invalid", { message: "It is not valid JSON.", cause });
  }
}

function atLine(line: number, { code, message, issues, cause }: DownbeatError): DownbeatError {
  return new DownbeatError(code, { message: `Line ${line}: ${message}`, issues, cause });
}
