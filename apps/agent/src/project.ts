import { realpath, stat } from "node:fs/promises";
import { extname, isAbsolute, resolve, sep } from "node:path";
import { DownbeatError } from "@downbeat/contract";

const LOADABLE = [".ts", ".mts", ".js", ".mjs"];

/**
 * Makes sure that there is a project directory: without one every run that an agent takes would crash.
 *
 * @throws DownbeatError `configuration_invalid`
 */
export async function requireProject(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new DownbeatError("configuration_invalid", {
    message: `There is no project directory ${directory}; name the one that holds the flows with --project or DOWNBEAT_PROJECT.`,
  });
}

/**
 * Turns an entrypoint's path into the absolute path of a module inside the project directory. Whatever the plane sends,
 * the agent runs only what its owner put there: symbolic links are followed before the check.
 *
 * @throws DownbeatError `entrypoint_invalid`
 */
export async function resolveEntrypoint(projectDirectory: string, path: string): Promise<string> {
  if (isAbsolute(path))
    throw refusal(path, "is absolute; entrypoints are relative to the project directory");
  if (!LOADABLE.includes(extname(path))) throw refusal(path, `is none of ${LOADABLE.join(", ")}`);
  const root = await realpath(projectDirectory);
  const target = resolve(root, path);
  if (!isInside(root, target)) throw refusal(path, "leads out of the project directory");
  const real = await realpath(target).catch((cause: unknown) => {
    throw refusal(path, "does not exist in the project directory", cause);
  });
  if (!isInside(root, real))
    throw refusal(path, "is a link that leads out of the project directory");
  if (!LOADABLE.includes(extname(real)))
    throw refusal(path, `links to a file that is none of ${LOADABLE.join(", ")}`);
  if (!(await stat(real)).isFile()) throw refusal(path, "is not a file");
  return real;
}

function isInside(root: string, path: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function refusal(path: string, problem: string, cause?: unknown): DownbeatError {
  return new DownbeatError("entrypoint_invalid", {
    message: `The entrypoint "${path}" ${problem}.`,
    cause,
  });
}
