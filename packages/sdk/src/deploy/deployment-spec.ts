import { DeploymentSpec, DownbeatError } from "@downbeat/contract";
import { sealJson, type DataKey } from "@downbeat/seal";
import { signDeployment, type Signing } from "@downbeat/seal/node";
import { checkParameters } from "../remote/check-parameters.ts";
import type { DeploymentConfig } from "./define-config.ts";

/** Tells the deployments of background tasks, and their runs, from others. */
const BACKGROUND_TAG = "background";

/** A flow as it lies in a project. */
export type DeployableFlow = {
  readonly flowName: string;
  /** Its module, relative to the project directory that agents run in, with forward slashes. */
  readonly path: string;
  readonly export: string;
  readonly contentHash: string;
  readonly gitSha: string | null;
  readonly parameterSchema: object | null;
  readonly isBackground: boolean;
  readonly exclusive: boolean;
};

/** What a project says about one deployment; what is undefined it leaves open. */
type OpenConfig = {
  readonly [K in keyof DeploymentConfig]: DeploymentConfig[K] | undefined;
};

export type DeploymentSource = {
  readonly flow: DeployableFlow;
  readonly name: string;
  readonly config: OpenConfig;
};

/** With what a deployment is sealed and, where there is a key for that, signed. */
export type DeploymentSecrets = {
  readonly dataKey: DataKey;
  readonly signing?: Signing | undefined;
};

/**
 * What registers a deployment: default parameters checked against the flow's schema, they and the entrypoint sealed, and all
 * that decides what runs signed.
 *
 * @throws DownbeatError `parameters_invalid`, `definition_invalid` when the API would refuse it
 */
export async function deploymentSpec(
  { flow, name, config }: DeploymentSource,
  { dataKey, signing }: DeploymentSecrets,
): Promise<DeploymentSpec> {
  const dep = `${flow.flowName}/${name}`;
  const { parameters = {}, concurrency, limits, requiredLabels, retry } = config;
  checkParameters(flow.flowName, parameters, flow.parameterSchema, { partial: true });
  const entrypoint = { path: flow.path, export: flow.export };
  const spec = {
    flowName: flow.flowName,
    name,
    poolName: config.pool ?? "default",
    queueName: config.queue ?? "default",
    tags: tagsOf(flow, config.tags ?? []),
    retry: retry ?? null,
    timeoutSeconds: config.timeoutSeconds ?? null,
    exclusive: config.exclusive ?? flow.exclusive,
    hostTransit: config.hostTransit ?? false,
    // Absent: a standing deployment keeps what `downbeat deployment limit` has set.
    ...(concurrency !== undefined && { concurrency }),
    ...(limits !== undefined && { limitNames: limits }),
    ...(requiredLabels !== undefined && { requiredLabels }),
    contentHash: flow.contentHash,
    gitSha: flow.gitSha,
    parameterSchema: flow.parameterSchema,
    entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, entrypoint),
    defaultParameters:
      Object.keys(parameters).length === 0
        ? null
        : await sealJson(dataKey, { kind: "defaults", dep }, parameters),
  };
  const whole = checked(spec, dep);
  if (signing === undefined) return whole;
  return checked({ ...whole, signature: await signDeployment(signing, whole) }, dep);
}

function checked(spec: object, dep: string): DeploymentSpec {
  const { success, error, data } = DeploymentSpec.safeParse(spec);
  if (success) return data;
  const wrong = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  throw new DownbeatError("definition_invalid", {
    message: `deployment "${dep}" cannot be as it is described: ${wrong}`,
  });
}

function tagsOf({ isBackground }: DeployableFlow, tags: readonly string[]): string[] {
  return [...new Set(isBackground ? [...tags, BACKGROUND_TAG] : tags)];
}
