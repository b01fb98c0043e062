import { DownbeatError } from "@downbeat/contract";
import { contentHash, gitRevision } from "@downbeat/sdk/protocol";
import type { DiscoveredFile, DiscoveredFlow } from "./discovery-message.ts";
import { discoverFlows } from "./discover-flows.ts";
import { findFlowFiles } from "./find-flow-files.ts";

/** A flow found in the project, with what registers its version. */
export type PlannedFlow = DiscoveredFlow & {
  /** Relative to the project directory, with forward slashes. */
  readonly path: string;
  readonly contentHash: string;
  readonly gitSha: string | null;
};

export type ImportFailure = { readonly path: string; readonly message: string };
export type DeployPlan = {
  readonly flows: readonly PlannedFlow[];
  readonly failures: readonly ImportFailure[];
};

export type PlanOptions = {
  projectDirectory: string;
  paths: readonly string[];
  keepGoing: boolean;
};

/**
 * Finds the flows of a project.
 *
 * @throws {DownbeatError} `entrypoint_invalid` when a file does not import (unless `keepGoing`), when no file exports a
 * flow, or when two flows share a name
 */
export async function planDeployments({
  projectDirectory,
  paths,
  keepGoing,
}: PlanOptions): Promise<DeployPlan> {
  const files = await discoverFlows(projectDirectory, await findFlowFiles(projectDirectory, paths));
  const failures = files.flatMap(failureOf);
  if (failures.length > 0 && !keepGoing) throw importsFailed(failures);
  const gitSha = await gitRevision(projectDirectory);
  const flows = (
    await Promise.all(files.map((file) => plan(projectDirectory, file, gitSha)))
  ).flat();
  refuseNone(flows, files);
  refuseSameNames(flows);
  return { flows, failures };
}

async function plan(
  projectDirectory: string,
  file: DiscoveredFile,
  gitSha: string | null,
): Promise<PlannedFlow[]> {
  if ("error" in file || file.flows.length === 0) return [];
  const hash = await contentHash(projectDirectory, file.path);
  return file.flows.map((flow) => ({ ...flow, path: file.path, contentHash: hash, gitSha }));
}

function failureOf(file: DiscoveredFile): ImportFailure[] {
  return "error" in file ? [{ path: file.path, message: file.error }] : [];
}

function importsFailed(failures: readonly ImportFailure[]): DownbeatError {
  return new DownbeatError("entrypoint_invalid", {
    message: `Nothing was deployed: ${failures.length === 1 ? "a file does" : `${failures.length} files do`} not import.`,
    issues: failures,
  });
}

function refuseNone(flows: readonly PlannedFlow[], files: readonly DiscoveredFile[]): void {
  if (flows.length > 0) return;
  throw new DownbeatError("entrypoint_invalid", {
    message: `No file exports a flow; looked into ${files.map((file) => file.path).join(", ")}.`,
  });
}

function refuseSameNames(flows: readonly PlannedFlow[]): void {
  const places = new Map<string, PlannedFlow>();
  for (const flow of flows) {
    const other = places.get(flow.flowName);
    if (other !== undefined) {
      throw new DownbeatError("entrypoint_invalid", {
        message: `Two flows are called "${flow.flowName}": ${other.export} in ${other.path} and ${flow.export} in ${flow.path}; rename one.`,
      });
    }
    places.set(flow.flowName, flow);
  }
}
