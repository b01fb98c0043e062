import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DownbeatError } from "@downbeat/contract";
import type { DiscoveredFile, DiscoveryMessage } from "./discovery-message.ts";

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
  const needsLoader = EXTENSION === "ts" || paths.some((path) => path.endsWith("ts"));
  const child = fork(ENTRY, [projectDirectory, ...paths], {
    cwd: projectDirectory,
    execArgv: needsLoader ? ["--import", import.meta.resolve("tsx")] : [],
    stdio: ["ignore", 2, 2, "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve((message as DiscoveryMessage).files));
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
