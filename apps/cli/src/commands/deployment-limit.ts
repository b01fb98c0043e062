import {
  CONCURRENCY_STRATEGIES,
  DownbeatError,
  type ConcurrencyStrategy,
} from "@downbeat/contract";
import { Command, Option } from "commander";
import { action, type CliContext } from "../context.ts";
import { parseCountOrNone } from "../counts.ts";
import { parseTarget } from "../parse-target.ts";

type Options = {
  concurrency?: number | "none";
  strategy?: ConcurrencyStrategy;
  limits?: string[];
  requireLabels?: string[];
};

export function deploymentLimitCommand(): Command {
  return new Command("limit")
    .argument("<deployment>", "flow/deployment, or the flow alone for its deployment `default`")
    .description("limit how many runs of a deployment go at a time, and which agents take them")
    .option("--concurrency <count>", "most runs at a time, or none", parseCountOrNone)
    .addOption(
      new Option(
        "--strategy <kind>",
        "what becomes of a run beyond that (default: enqueue)",
      ).choices(CONCURRENCY_STRATEGIES),
    )
    .option(
      "--limits <list>",
      "named limits each run holds a slot of, with commas; none: no limits",
      parseList,
    )
    .option(
      "--require-labels <list>",
      "labels an agent must carry, with commas; none: any agent",
      parseList,
    )
    .action(action(limitDeployment))
    .addHelpText(
      "after",
      `
enqueue: runs wait for a free slot. cancel-new: a run beyond the limit is cancelled. cancel-running: the newest runs
stay, older ones are cancelled. What is not given stays as it is.
With --json: the deployment, as PATCH /v1/deployments/:deploymentId returns it.`,
    );
}

async function limitDeployment(
  context: CliContext,
  { concurrency, strategy, limits, requireLabels }: Options,
  target: string,
): Promise<void> {
  const { flowName, deploymentName = "default" } = parseTarget(target);
  const { client } = await context.connect();
  const standing = await client.call("readDeployment", { params: { flowName, deploymentName } });
  const given = concurrency ?? standing.concurrency?.limit;
  const limit = given === "none" ? undefined : given;
  if (strategy !== undefined && limit === undefined) {
    throw new DownbeatError("usage_invalid", {
      message: "--strategy says what becomes of runs beyond a limit; give one with --concurrency.",
    });
  }
  const isChanged = concurrency !== undefined || strategy !== undefined;
  const changed = await client.call("updateDeployment", {
    params: { deploymentId: standing.id },
    body: {
      ...(isChanged && {
        concurrency:
          limit === undefined
            ? null
            : { limit, strategy: strategy ?? standing.concurrency?.strategy ?? "enqueue" },
      }),
      ...(limits !== undefined && { limitNames: limits }),
      ...(requireLabels !== undefined && { requiredLabels: requireLabels }),
    },
  });
  context.output.result(changed, () => words(changed));
}

function words({
  flowName,
  name,
  concurrency,
  limitNames,
  requiredLabels,
}: {
  flowName: string;
  name: string;
  concurrency: { limit: number; strategy: string } | null;
  limitNames: readonly string[];
  requiredLabels: readonly string[];
}): string {
  const facts = [
    concurrency === null
      ? "no limit of its own"
      : `${concurrency.limit} at a time (${concurrency.strategy})`,
    ...(limitNames.length === 0 ? [] : [`limits ${limitNames.join(", ")}`]),
    ...(requiredLabels.length === 0 ? [] : [`needs agents with ${requiredLabels.join(", ")}`]),
  ];
  return `${flowName}/${name}: ${facts.join("; ")}.`;
}

function parseList(text: string): string[] {
  return text === "none" ? [] : text.split(",").map((part) => part.trim());
}
