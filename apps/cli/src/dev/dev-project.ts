import { planProject } from "../deploy/plan-project.ts";
import { registerDeployments } from "../deploy/register-deployments.ts";
import type { CliContext } from "../context.ts";

// The agent that is started here serves this pool, whichever the project's configuration names.
const OVERRIDES = {
  poolName: "default",
  queueName: "default",
  tags: [],
  defaults: [],
  hostTransit: false,
  policy: {},
};

/** Deploys every flow of the project that imports; returns their names. */
export async function deployProject(
  context: CliContext,
  projectDirectory: string,
): Promise<string[]> {
  const { deployments, limits, failures } = await planProject({
    projectDirectory,
    paths: [],
    keepGoing: true,
  });
  for (const { path, message } of failures)
    context.output.warn(`${path} does not import:\n${message}`);
  const made = await registerDeployments(context, { deployments, limits, overrides: OVERRIDES });
  return [...new Set(made.map((deployment) => deployment.flowName))];
}
