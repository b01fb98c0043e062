import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { WorkerOptions } from "./launchers/worker-process.ts";

const require = createRequire(import.meta.url);
const sdkDirectory = fileURLToPath(new URL("../../../packages/sdk", import.meta.url));

/** The SDK's worker from source, through tsx: tests never run a stale build. */
export const SOURCE_WORKER = {
  entryPath: join(sdkDirectory, "src/worker/main.ts"),
  execArgv: ["--conditions=source", "--import", pathToFileURL(require.resolve("tsx")).href],
};

/** A customer's project: files by their path, with the SDK installed. */
export function aProject(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "downbeat-project-"));
  mkdirSync(join(directory, "node_modules/@downbeat"), { recursive: true });
  symlinkSync(sdkDirectory, join(directory, "node_modules/@downbeat/sdk"));
  symlinkSync(join(sdkDirectory, "node_modules/zod"), join(directory, "node_modules/zod"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

export function workerOptions(
  projectDirectory: string,
  options: Partial<WorkerOptions> = {},
): WorkerOptions {
  return {
    ...SOURCE_WORKER,
    tsLoaderUrls: ["tsx/cjs/api", "tsx/esm/api"].map((name) => import.meta.resolve(name)),
    projectDirectory,
    environment: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    readyTimeoutMs: 30_000,
    ...options,
  };
}
