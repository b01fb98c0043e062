import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { DownbeatError } from "@downbeat/contract";
import { glob, isDynamicPattern } from "tinyglobby";

const DEFAULT_PATTERNS = ["flows/**/*.{ts,mts,js,mjs}"];
const IGNORED = [
  "**/node_modules/**",
  "**/*.{test,spec}.{ts,mts,js,mjs}",
  "**/*.d.{ts,mts}",
  "**/dist/**",
];
const IMPORTABLE = /\.(ts|mts|js|mjs)$/;

/**
 * The files of a project that may hold flows, as sorted paths relative to it with forward slashes.
 *
 * @throws {DownbeatError} `usage_invalid` when a path leads out of the project, does not exist, or nothing is found
 */
export async function findFlowFiles(
  projectDirectory: string,
  paths: readonly string[],
): Promise<string[]> {
  const project = await projectRoot(projectDirectory);
  const patterns =
    paths.length === 0 ? DEFAULT_PATTERNS : paths.filter((path) => isDynamicPattern(path));
  const named = await Promise.all(
    paths.filter((path) => !isDynamicPattern(path)).map((path) => locate(project, path)),
  );
  const matched =
    patterns.length === 0 ? [] : await glob(patterns, { cwd: project, ignore: IGNORED });
  const files = [...new Set([...named.flat(), ...matched])].toSorted();
  if (files.length > 0) return files;
  const asked = paths.length === 0 ? DEFAULT_PATTERNS : paths;
  throw new DownbeatError("usage_invalid", {
    message: `No flow files in ${project} match ${asked.join(", ")}.`,
  });
}

/** @throws {DownbeatError} `usage_invalid` when there is no such directory */
export async function projectRoot(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (cause) {
    throw new DownbeatError("usage_invalid", {
      message: `There is no project directory ${directory}.`,
      cause,
    });
  }
}

/** A file named outright: relative to the working directory or to the project, but always inside the project. */
async function locate(project: string, path: string): Promise<string[]> {
  const candidates = isAbsolute(path) ? [path] : [resolve(path), resolve(project, path)];
  for (const candidate of candidates) {
    const found = await realpathIfThere(candidate);
    if (found === undefined) continue;
    const inside = relative(project, found).split(sep).join("/");
    if (inside.startsWith("../") || isAbsolute(inside)) continue;
    if ((await stat(found)).isDirectory()) {
      return (
        await glob(`${inside}/**/*.{ts,mts,js,mjs}`, { cwd: project, ignore: IGNORED })
      ).toSorted();
    }
    if (IMPORTABLE.test(found)) return [inside];
    throw new DownbeatError("usage_invalid", {
      message: `"${path}" is not a .ts, .mts, .js or .mjs file.`,
    });
  }
  throw new DownbeatError("usage_invalid", {
    message: `There is no file "${path}" inside the project ${project}.`,
  });
}

async function realpathIfThere(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}
