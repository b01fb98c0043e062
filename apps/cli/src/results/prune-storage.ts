import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DownbeatError } from "@downbeat/contract";
import { directoryStorage } from "@downbeat/sdk";
import { askProject } from "../deploy/ask-project.ts";
import { projectRoot } from "../deploy/find-flow-files.ts";
import { pruneExported } from "./prune-exported.ts";
import type { PruneAnswer, PruneRequest } from "./prune-request.ts";

const MODULE = /^(?<path>.+\.[cm]?[jt]s)(?:#(?<exportName>.+))?$/;

/**
 * Deletes what is old in a storage of a project, or counts it.
 *
 * @param storage a directory, or a module of the project and its export: `src/storage.ts#bucket`
 * @throws {DownbeatError} `usage_invalid` when there is no such project or storage; `entrypoint_invalid` when its module does not import
 */
export async function pruneStorage(
  projectDirectory: string,
  storage: string,
  request: PruneRequest,
): Promise<{ count: number; bytes: number }> {
  const answer = await prune(await projectRoot(projectDirectory), storage, request);
  if ("error" in answer) throw new DownbeatError("usage_invalid", { message: answer.error });
  return answer;
}

async function prune(
  projectDirectory: string,
  storage: string,
  request: PruneRequest,
): Promise<PruneAnswer> {
  const { path, exportName = "default" } = MODULE.exec(storage)?.groups ?? {};
  if (path === undefined) {
    const directory = directoryStorage(resolve(projectDirectory, storage));
    const place = { path: storage, exportName: "directory" };
    return pruneExported({ directory }, { ...request, ...place });
  }
  if (!existsSync(resolve(projectDirectory, path)))
    return { error: `There is no file "${path}" inside the project ${projectDirectory}.` };
  const args = ["--prune", JSON.stringify({ ...request, path, exportName })];
  return (await askProject({ projectDirectory, paths: [path], args })) as PruneAnswer;
}
