import { planDeployments } from "../deploy/plan-deployments.ts";
import { registerDeployments } from "../deploy/register-deployments.ts";
import type { CliContext } from "../context.ts";

const TARGET = {
  name: "default",
  poolName: "default",
  queueName: "default",
  tags: [],
  defaults: [],
  policy: { retry: null, timeoutSeconds: null, exclusive: false },
};

/** Deploys every flow of the project that imports; returns their names. */
export async function deployProject(
  context: CliContext,
  projectDirectory: string,
): Promise<string[]> {
  const plan = await planDeployments({ projectDirectory, paths: [], keepGoing: true });
  for (const { path, message } of plan.failures)
    context.output.warn(`${path} does not import:\n${message}`);
  const deployments = await registerDeployments(context, plan.flows, TARGET);
  return deployments.map((deployment) => deployment.flowName);
}
