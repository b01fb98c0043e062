import {
  fieldsOf,
  ROUTES,
  visitFields,
  type Boundary,
  type RouteName,
  type RouteSpec,
  type SealedKind,
} from "@downbeat/contract";
import type { PlannedFlow } from "../deploy/plan-deployments.ts";

/** Everything that a flow makes leave this machine, and what stays. */
export type Explanation = {
  readonly flowName: string;
  /** Where it was found; sealed when it travels. */
  readonly entrypoint: string;
  readonly sends: readonly ExplainedField[];
  readonly stays: readonly string[];
};

export type ExplainedField = {
  readonly when: string;
  /** As in `docs/data-boundary.md`. */
  readonly route: string;
  readonly path: string;
  readonly boundary: string;
  /** Of a plain field whose value is known by now: the value. Of a sealed one: what is inside, in words. */
  readonly holds: string;
};

// Which requests a flow causes, by when.
const OCCASIONS: readonly { readonly when: string; readonly routes: readonly RouteName[] }[] = [
  { when: "deploy", routes: ["createDataKeys", "deploy"] },
  { when: "trigger", routes: ["createRun"] },
  { when: "run", routes: ["claim", "report", "heartbeat", "release"] },
  { when: "limits", routes: ["acquireSlots", "releaseSlots"] },
  { when: "pause", routes: ["resumeRun"] },
];

/**
 * Says what a flow would send, from its definition and the labels of the contract; nothing is sent for it.
 *
 * @param openDeployments names of its deployments that take parameters in clear (`hostTransit`)
 */
export function explainFlow(
  flow: PlannedFlow,
  openDeployments: readonly string[] = [],
): Explanation {
  const entrypoint = `${flow.path}#${flow.export}`;
  const known = deploymentFields(flow);
  const inside = insides(flow, entrypoint);
  const sends = OCCASIONS.flatMap(({ when, routes }) =>
    routes.flatMap((name) => requestFields(ROUTES[name]).map((field) => ({ when, ...field }))),
  );
  return {
    flowName: flow.flowName,
    entrypoint,
    sends: sends.map(({ kind, ...field }) => {
      const holds =
        kind === undefined
          ? (known.get(`${field.route} ${field.path}`) ?? "")
          : (inside[kind] ?? kind);
      if (field.boundary !== "transit") return { ...field, holds };
      // Everything of ours seals; in clear it comes from others, to the deployments that say so.
      if (openDeployments.length === 0) return { ...field, boundary: "sealed", holds };
      const names = openDeployments.map((name) => `${flow.flowName}/${name}`).join(", ");
      return { ...field, holds: `in clear if a caller of ${names} does not seal: ${holds}` };
    }),
    stays: [
      `the code of ${flow.path} (only its SHA-256 leaves)`,
      "what it returns, and every file it writes",
      "the environment, credentials and the private key",
    ],
  };
}

type RequestField = Omit<ExplainedField, "when" | "holds"> & {
  readonly kind: SealedKind | undefined;
};

function requestFields(spec: RouteSpec): RequestField[] {
  const fields = (["params", "query", "body"] as const).flatMap((part) => {
    const schema = spec[part];
    return schema === undefined ? [] : fieldsOf(schema, part);
  });
  // The variants of a union repeat their common fields.
  const single = new Map(fields.map((field) => [field.path, field]));
  return [...single.values()].map(({ path, label }) => ({
    route: `${spec.method} ${spec.path}`,
    path,
    boundary: label?.boundary ?? "unlabelled",
    kind: isSealed(label?.boundary) ? (label?.note as SealedKind | undefined) : undefined,
  }));
}

function isSealed(boundary: Boundary | undefined): boolean {
  return boundary === "sealed" || boundary === "transit";
}

function deploymentFields(flow: PlannedFlow): Map<string, string> {
  const { flowName, contentHash, gitSha, parameterSchema } = flow;
  const body = { deployments: [{ flowName, contentHash, gitSha, parameterSchema }] };
  const values = new Map<string, string>();
  const route = `${ROUTES.deploy.method} ${ROUTES.deploy.path}`;
  visitFields(
    ROUTES.deploy.body,
    body,
    (path, _, value) =>
      values.set(`${route} ${path}`, typeof value === "string" ? value : JSON.stringify(value)),
    "body",
  );
  return values;
}

function insides(flow: PlannedFlow, entrypoint: string): Partial<Record<SealedKind, string>> {
  const names = Object.keys(flow.parameterSchema?.properties ?? {});
  const parameters = names.length === 0 ? "the parameters" : `values of ${names.join(", ")}`;
  return {
    entrypoint,
    parameters,
    defaults: `${parameters}, given to deploy with --param`,
    input: "what somebody gives at a pause",
    log: "lines it logs or prints, with logger, fields and times",
    "log-manifest": "which chunks its log consists of, and how many lines were left out",
    error: "message, stack and causes of what it throws",
    artifact: "what it shows with artifact and progress(), with keys and titles",
    result: "where kept results are, not what they are",
    "rendered-name": "names of task runs that are made from data",
  };
}
