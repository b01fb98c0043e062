import { resolve } from "node:path";
import { Command } from "commander";
import type { Deployment } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import type { ProjectPlan } from "../deploy/plan-project.ts";
import type { DeployOverrides } from "../deploy/planned-spec.ts";
import { readRunPolicy, runPolicyOptions, type RunPolicyOptions } from "../deploy/run-policy.ts";
import { collect } from "../options.ts";
import { table } from "../table.ts";

type Options = RunPolicyOptions & {
  project: string;
  pool?: string;
  queue?: string;
  name?: string;
  tag?: string[];
  param?: string[];
  hostTransit?: boolean;
  sign?: boolean;
  dryRun?: boolean;
  keepGoing?: boolean;
};

export function deployCommand(): Command {
  const command = new Command("deploy")
    .argument(
      "[paths...]",
      "files or globs inside the project (default: flows/**/*.{ts,mts,js,mjs})",
    )
    .description("register the flows of a project; the code stays here")
    .option("--project <dir>", "the project directory, the same that agents run in", ".")
    .option("--pool <name>", "work pool whose agents run it (default: default)")
    .option("--queue <name>", "work queue in the pool (default: default)")
    .option("--name <name>", "deploy only this deployment of each flow (default: default)")
    .option("--tag <tag>", "a static label, visible to the API (repeatable)", collect)
    .option("-p, --param <name=value>", "a default parameter, sealed (repeatable)", collect)
    .option(
      "--host-transit",
      "let callers that cannot seal send parameters in clear: the hosted plane sees them (default: refused)",
    )
    .option("--sign", "fail unless there is a signing key; with one, every deployment is signed")
    .option("--dry-run", "check and show what would be deployed, and send nothing")
    .option("--keep-going", "deploy what imports even if other files do not")
    .action(action(deploy))
    .addHelpText("after", DEPLOY_HELP);
  for (const option of runPolicyOptions()) command.addOption(option);
  return command;
}

const DEPLOY_HELP = `
Files are imported in a process of their own. Names, the parameter schema without defaults, a hash of the file with
all it imports from the project, and the commit (in a clean repository) go to the API in clear; the path and the default
parameters are sealed. If one file does not import, nothing is deployed, unless --keep-going is given.

A downbeat.config.ts in the project says which deployments there are and what limits they have (see defineConfig in
docs/sdk.md); limits are set first. What is given here counts more than what it says; tags are added.

With --host-transit, or hostTransit in the configuration, POST /v1/runs takes parameters in clear for a deployment, seals
them before it writes anything, and says so wherever the deployment or such a run is shown. It cannot go with a signing key.

With --json: { deployments, failures }; deployments as POST /v1/deployments returns them, or with --dry-run what would
be sent, in clear: { flowName, name, path, export, contentHash, gitSha, isBackground,
exclusive, hostTransit, parameterSchema }.`;

async function deploy(context: CliContext, options: Options, paths: string[]): Promise<void> {
  const { planProject } = await import("../deploy/plan-project.ts");
  const plan = await planProject({
    projectDirectory: resolve(options.project),
    paths,
    keepGoing: options.keepGoing === true,
    onlyName: options.name,
  });
  for (const failure of plan.failures)
    context.output.warn(`skipped ${failure.path}: ${failure.message}`);
  const overrides = overridesOf(options);
  if (options.dryRun === true) {
    const { checkSpecs } = await import("../deploy/planned-spec.ts");
    await checkSpecs(plan.deployments, overrides);
    return showPlan(context, plan, overrides);
  }
  const { registerDeployments } = await import("../deploy/register-deployments.ts");
  const deployments = await registerDeployments(context, {
    ...plan,
    overrides,
    sign: options.sign,
  });
  context.output.result({ deployments, failures: plan.failures }, () => deployedWords(deployments));
  warnOfTransit(context, deployments);
  if (plan.failures.length > 0) process.exitCode = 1;
}

function overridesOf(options: Options): DeployOverrides {
  const { retry, timeoutSeconds, exclusive } = readRunPolicy(options);
  return {
    poolName: options.pool,
    queueName: options.queue,
    tags: options.tag ?? [],
    defaults: options.param ?? [],
    hostTransit: options.hostTransit === true,
    policy: {
      ...(retry !== null && { retry }),
      ...(timeoutSeconds !== null && { timeoutSeconds }),
      exclusive,
    },
  };
}

function showPlan(context: CliContext, plan: ProjectPlan, overrides: DeployOverrides): void {
  const deployments = plan.deployments.map(
    ({ flow: { parameterSchema, ...flow }, name, config }) => ({
      ...flow,
      name,
      hostTransit: overrides.hostTransit || config.hostTransit === true,
      parameterSchema,
    }),
  );
  const rows = plan.deployments.map(({ flow, name }) => [
    `${flow.flowName}/${name}`,
    flow.path,
    flow.export,
    flow.contentHash.slice(0, 12),
  ]);
  context.output.result({ deployments, failures: plan.failures }, () =>
    table(["DEPLOYMENT", "PATH", "EXPORT", "CONTENT"], rows),
  );
  warnOfTransit(context, deployments);
  context.output.note("Dry run: nothing was sent.");
}

type Shown = Pick<Deployment, "flowName" | "name" | "hostTransit">;

function warnOfTransit(context: CliContext, deployments: readonly Shown[]): void {
  const open = deployments.filter(({ hostTransit }) => hostTransit);
  if (open.length === 0) return;
  const names = open.map(({ flowName, name }) => `${flowName}/${name}`).join(", ");
  context.output.warn(
    `host-transit: callers may send the parameters of ${names} in clear, and the hosted plane then sees them`,
  );
}

function deployedWords(deployments: readonly Deployment[]): string {
  const rows = deployments.map((deployment) => [
    `${deployment.flowName}/${deployment.name}`,
    `${deployment.poolName}/${deployment.queueName}`,
    deployment.tags.join(", "),
  ]);
  return table(["DEPLOYED", "POOL/QUEUE", "TAGS"], rows);
}
