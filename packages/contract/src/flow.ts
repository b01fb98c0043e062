import { z } from "zod";
import { plain } from "./boundary.ts";
import { Count, Flag, Id, Instant, Name, Tags } from "./identifiers.ts";
import { RetryPolicy, TimeoutSeconds } from "./retry-policy.ts";
import { DeploymentConcurrency, HeldLimit, LimitNames } from "./limit.ts";
import { whyNotKept } from "./kept-json.ts";
import { sealed } from "./sealed.ts";
import { signed } from "./signed.ts";

// In the same way over and over, down to any depth: a name for documents to refer to.
const JsonValue = z.json();
z.globalRegistry.add(JsonValue, { id: "JsonValue" });

/** JSON Schema of a flow's parameters: names and types. `default` and `examples` would be customer data: refused. */
export const ParameterSchema = plain(
  z.preprocess(
    (schema, issues) => {
      const fault = whyNotKept(schema);
      if (fault !== undefined) issues.addIssue({ code: "custom", message: fault });
      return schema;
    },
    z.record(z.string(), JsonValue).superRefine((schema, issues) => {
      const path = findExampleValue(schema, "");
      if (path !== undefined) {
        issues.addIssue({
          code: "custom",
          message: `carries a value at ${path}; defaults and examples stay with the customer`,
          params: { code: "plaintext_refused" },
        });
      }
    }),
  ),
  "without defaults and examples",
);

export const Flow = z.strictObject({ id: Id, name: Name, createdAt: Instant });
export type Flow = z.infer<typeof Flow>;

/** One registered version of a flow. The code itself never travels. */
export const FlowVersion = z.strictObject({
  id: Id,
  flowId: Id,
  contentHash: plain(z.string().regex(/^[0-9a-f]{64}$/)),
  gitSha: plain(z.string().regex(/^[0-9a-f]{40}$/)).nullable(),
  parameterSchema: ParameterSchema.nullable(),
  createdAt: Instant,
});
export type FlowVersion = z.infer<typeof FlowVersion>;

/** A flow made triggerable: where it runs and with what. `name` is unique within its flow. */
export const Deployment = z.strictObject({
  id: Id,
  flowId: Id,
  flowName: Name,
  flowVersionId: Id,
  name: Name,
  poolName: Name,
  queueName: Name,
  paused: Flag,
  tags: Tags,
  parameterSchema: ParameterSchema.nullable(),
  /** Sealed reference "path#export", relative to the agent's project directory. */
  entrypoint: sealed("entrypoint"),
  /** Sealed default parameters, merged under a run's own by the agent. */
  defaultParameters: sealed("defaults").nullable(),
  /** Null: an attempt that ends badly ends the run. */
  retry: RetryPolicy.nullable(),
  timeoutSeconds: TimeoutSeconds.nullable(),
  /** Two attempts never run at once: when its lease ends its process is killed, and only then may another agent take it. */
  exclusive: Flag,
  /** Its trigger also takes parameters in clear: the hosted plane sees them, and seals them before anything is written. */
  hostTransit: Flag,
  concurrency: DeploymentConcurrency.nullable(),
  /** Named limits of which each run holds a slot from claim to end. */
  limitNames: LimitNames,
  /** Only agents that carry all of these labels take its runs. */
  requiredLabels: Tags,
  /** What the customer's key signed of it; null: not signed. */
  signature: signed("deployment").nullable(),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Deployment = z.infer<typeof Deployment>;

/** How many deployments one request registers at most. */
export const DEPLOY_LIMIT = 100;

/** What `deploy` registers: flow, version and deployment in one idempotent call. */
export const DeploymentSpec = z
  .strictObject({
    flowName: Name,
    name: Name.default("default"),
    poolName: Name.default("default"),
    queueName: Name.default("default"),
    tags: Tags.default([]),
    contentHash: FlowVersion.shape.contentHash,
    gitSha: FlowVersion.shape.gitSha.default(null),
    parameterSchema: ParameterSchema.nullable().default(null),
    entrypoint: sealed("entrypoint"),
    defaultParameters: sealed("defaults").nullable().default(null),
    retry: RetryPolicy.nullable().default(null),
    timeoutSeconds: TimeoutSeconds.nullable().default(null),
    exclusive: Flag.default(false),
    /** Absent: its trigger takes sealed parameters only, whatever a standing deployment did. */
    hostTransit: Flag.default(false),
    /** For agents that run nothing unsigned. Absent: a standing deployment is no longer signed. */
    signature: signed("deployment").optional(),
    /** Absent: a standing deployment keeps what it has. */
    concurrency: DeploymentConcurrency.nullable().optional(),
    limitNames: LimitNames.optional(),
    requiredLabels: Tags.optional(),
  })
  .refine(({ signature, hostTransit }) => signature === undefined || !hostTransit, {
    path: ["hostTransit"],
    message:
      "cannot go with a signature: no key of the customer's signs parameters that come in clear, and agents that ask for signatures would refuse every such run",
  });
export type DeploymentSpec = z.infer<typeof DeploymentSpec>;

/** A named, prioritised lane in a pool; 1 is served first. */
export const WorkQueue = z.strictObject({
  id: Id,
  name: Name,
  priority: plain(z.int().min(1).max(1000)),
  paused: Flag,
  /** Most runs of this queue that agents hold at once; null is no limit. */
  concurrencyLimit: HeldLimit,
});
export type WorkQueue = z.infer<typeof WorkQueue>;

export const WorkPool = z.strictObject({
  id: Id,
  name: Name,
  paused: Flag,
  concurrencyLimit: HeldLimit,
  queues: z.array(WorkQueue),
  onlineAgents: Count,
  createdAt: Instant,
});
export type WorkPool = z.infer<typeof WorkPool>;

const VALUE_KEYWORDS = new Set(["default", "examples", "example"]);

// Property names are the author's and may well be "default", so keys directly under `properties` are not keywords.
function findExampleValue(node: unknown, path: string, isPropertyMap = false): string | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  for (const [key, value] of Object.entries(node)) {
    const here = `${path}/${key}`;
    if (!isPropertyMap && !Array.isArray(node) && VALUE_KEYWORDS.has(key)) return here;
    const inMap =
      !isPropertyMap && ["properties", "$defs", "definitions", "patternProperties"].includes(key);
    const found = findExampleValue(value, here, inMap);
    if (found !== undefined) return found;
  }
  return undefined;
}
