import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DownbeatError } from "@downbeat/contract";
import { environmentToPassOn } from "../config.ts";
import type { ConfigMessage, DiscoveredFile, DiscoveryMessage } from "./discovery-message.ts";

// From source the entry is TypeScript, from dist JavaScript.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const ENTRY = fileURLToPath(new URL(`discovery-process.${EXTENSION}`, import.meta.url));

/**
 * Imports a project's files in a child process, so that whatever they do on import cannot disturb this one, and returns
 * what each exports. What they print goes to stderr.
 *
 * @throws {DownbeatError} `entrypoint_invalid` when the process dies before it answers
 */
export async function discoverFlows(
  projectDirectory: string,
  paths: readonly string[],
): Promise<readonly DiscoveredFile[]> {
  return ((await ask(projectDirectory, paths, paths)) as DiscoveryMessage).files;
}

/** The default export of a project's configuration file, imported in a child process. @throws as {@link discoverFlows} */
export async function importConfig(projectDirectory: string, file: string): Promise<ConfigMessage> {
  return (await ask(projectDirectory, [file], ["--config", file])) as ConfigMessage;
}

function ask(
  projectDirectory: string,
  paths: readonly string[],
  args: readonly string[],
): Promise<unknown> {
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
