import { planDeployments, type ImportFailure } from "./plan-deployments.ts";
import { planTargets, type PlannedDeployment } from "./plan-targets.ts";
import { readProjectConfig, type ProjectConfig } from "./project-config.ts";

export type ProjectPlan = {
  readonly deployments: readonly PlannedDeployment[];
  readonly limits: ProjectConfig["limits"];
  readonly failures: readonly ImportFailure[];
};

export type ProjectPlanOptions = {
  readonly projectDirectory: string;
  /** Files or globs; none: what the configuration says, or else the usual ones. */
  readonly paths: readonly string[];
  readonly keepGoing: boolean;
  /** Only the deployment of this name, of every flow. */
  readonly onlyName?: string | undefined;
};

/**
 * Finds out what a project deploys: its flows, and what its configuration says about them.
 *
 * @throws {DownbeatError} `configuration_invalid`, and as {@link planDeployments}
 */
export async function planProject(options: ProjectPlanOptions): Promise<ProjectPlan> {
  const { projectDirectory, paths, keepGoing, onlyName } = options;
  const config = await readProjectConfig(projectDirectory);
  const { flows, failures } = await planDeployments({
    projectDirectory,
    paths: paths.length > 0 ? paths : (config.paths ?? []),
    keepGoing,
  });
  const isPartial = paths.length > 0 || failures.length > 0;
  const deployments = planTargets(flows, config, { onlyName, isPartial });
  return { deployments, failures, limits: config.limits };
}
