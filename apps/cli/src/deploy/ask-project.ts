import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DownbeatError } from "@downbeat/contract";
import { environmentToPassOn } from "../config.ts";

// From source the entry is TypeScript, from dist JavaScript.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const ENTRY = fileURLToPath(new URL(`discovery-process.${EXTENSION}`, import.meta.url));

export type ProjectQuestion = {
  readonly projectDirectory: string;
  /** What is imported. */
  readonly paths: readonly string[];
  /** What the process is told, after the directory. Default: the paths. */
  readonly args?: readonly string[];
};

/**
 * Has files of a project imported in a child process, so that whatever they do on import cannot disturb this one, and
 * returns its answer. What they print goes to stderr.
 *
 * @throws {DownbeatError} `entrypoint_invalid` when the process dies before it answers
 */
export function askProject({
  projectDirectory,
  paths,
  args = paths,
}: ProjectQuestion): Promise<unknown> {
  const needsLoader = EXTENSION === "ts" || paths.some((path) => path.endsWith("ts"));
  const child = fork(ENTRY, [projectDirectory, ...args], {
    cwd: projectDirectory,
    env: environmentToPassOn(),
    execArgv: needsLoader ? ["--import", import.meta.resolve("tsx")] : [],
    stdio: ["ignore", 2, 2, "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      const end = signal === null ? `exit code ${code}` : signal;
      reject(
        new DownbeatError("entrypoint_invalid", {
          message: `The process that imports ${paths.join(", ")} ended with ${end} before it was done; a file may call process.exit().`,
        }),
      );
    });
  });
}
