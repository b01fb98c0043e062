import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  DeploymentConcurrency,
  DownbeatError,
  LimitNames,
  LimitSpec,
  Name,
  RetryPolicy,
  Tags,
  TimeoutSeconds,
} from "@downbeat/contract";
import { z } from "zod";
import { importConfig } from "./discover-flows.ts";

const FILES = ["ts", "mts", "js", "mjs"].map((ending) => `downbeat.config.${ending}`);

const DeploymentConfig = z.strictObject({
  pool: Name.optional(),
  queue: Name.optional(),
  tags: Tags.optional(),
  parameters: z.record(z.string(), z.json()).optional(),
  retry: RetryPolicy.optional(),
  timeoutSeconds: TimeoutSeconds.optional(),
  exclusive: z.boolean().optional(),
  hostTransit: z.boolean().optional(),
  concurrency: DeploymentConcurrency.optional(),
  limits: LimitNames.optional(),
  requiredLabels: Tags.optional(),
});
export type DeploymentConfig = z.infer<typeof DeploymentConfig>;

const ProjectConfig = z.strictObject({
  paths: z.array(z.string().min(1)).min(1).optional(),
  deployments: z.record(z.string(), DeploymentConfig).default({}),
  limits: z.record(Name, LimitSpec).default({}),
});
export type ProjectConfig = z.infer<typeof ProjectConfig>;

const NONE: ProjectConfig = { deployments: {}, limits: {} };

/**
 * What a project's `downbeat.config.ts` says; nothing when there is none.
 *
 * @throws {DownbeatError} `configuration_invalid` naming every key that is unknown or does not fit
 */
export async function readProjectConfig(projectDirectory: string): Promise<ProjectConfig> {
  const file = FILES.find((name) => existsSync(join(projectDirectory, name)));
  if (file === undefined) return NONE;
  const imported = await importConfig(projectDirectory, file);
  if ("error" in imported) throw invalid(`${file} does not import: ${imported.error}`);
  const parsed = ProjectConfig.safeParse(imported.value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap(issuesOf);
  const named = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw invalid(`${file} is not valid: ${named}`, issues);
}

type Issue = { readonly path: string; readonly message: string };

function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ path: path.join("."), message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is not known" }));
}

function invalid(message: string, issues: Issue[] = []): DownbeatError {
  return new DownbeatError("configuration_invalid", { message, issues });
}
