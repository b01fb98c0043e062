import { DownbeatError } from "@downbeat/contract";
import type { PlannedFlow } from "./plan-deployments.ts";
import type { DeploymentConfig, ProjectConfig } from "./project-config.ts";

/** A deployment to be: of which flow, called what, and what the project says about it. */
export type PlannedDeployment = {
  readonly flow: PlannedFlow;
  readonly name: string;
  readonly config: DeploymentConfig;
};

/**
 * The deployments of the flows that were found: those the project's configuration names, and `default` for a flow that it
 * does not name. With `onlyName` those of that name, for every flow.
 *
 * @throws {DownbeatError} `configuration_invalid` when it names a flow that is not there, unless only some files were looked into
 */
export function planTargets(
  flows: readonly PlannedFlow[],
  { deployments }: Pick<ProjectConfig, "deployments">,
  { onlyName, isPartial }: { onlyName: string | undefined; isPartial: boolean },
): PlannedDeployment[] {
  const named = Object.entries(deployments).map(([key, config]) => ({ ...split(key), config }));
  const known = new Set(flows.map(({ flowName }) => flowName));
  const strangers = named.filter(({ flowName }) => !known.has(flowName));
  if (strangers.length > 0 && !isPartial) throw unknownFlows(strangers, known);
  return flows.flatMap((flow) => {
    const own = named.filter(({ flowName }) => flowName === flow.flowName);
    const names = onlyName === undefined ? own.map(({ name }) => name) : [onlyName];
    return (names.length === 0 ? ["default"] : names).map((name) => {
      const config = own.find((entry) => entry.name === name)?.config ?? {};
      return { flow, name, config };
    });
  });
}

function split(key: string): { flowName: string; name: string } {
  const [flowName = "", name = "default"] = key.split("/");
  return { flowName, name };
}

function unknownFlows(
  strangers: readonly { flowName: string }[],
  known: ReadonlySet<string>,
): DownbeatError {
  const names = strangers.map(({ flowName }) => `"${flowName}"`).join(", ");
  return new DownbeatError("configuration_invalid", {
    message: `downbeat.config names ${names}, which no file exports; there are ${[...known].join(", ")}.`,
  });
}
