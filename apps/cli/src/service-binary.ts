import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DownbeatError } from "@downbeat/contract";

const require = createRequire(import.meta.url);

/**
 * The program that a sibling package offers. Apps never import each other; they start each other as processes.
 *
 * @throws {DownbeatError} `configuration_invalid` when the package is not installed
 */
export function serviceBinary(packageName: "@downbeat/api" | "@downbeat/agent"): string {
  const manifestPath = manifestOf(packageName);
  const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as {
    bin: Record<string, string>;
  };
  const [bin = ""] = Object.values(manifest.bin);
  return join(dirname(manifestPath), bin);
}

/** The directory of the example project. */
export function examplesDirectory(): string {
  return dirname(manifestOf("@downbeat/examples"));
}

/** The directory of the built page. */
export function dashboardDirectory(): string {
  return join(dirname(manifestOf("@downbeat/dashboard")), "dist");
}

function manifestOf(packageName: string): string {
  try {
    return require.resolve(`${packageName}/package.json`);
  } catch (cause) {
    throw new DownbeatError("configuration_invalid", {
      message: `The package ${packageName} is not installed.`,
      cause,
    });
  }
}
