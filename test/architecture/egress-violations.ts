import { moduleFacts, type ModuleFacts } from "./module-facts.ts";
import type { SourceFile } from "./source-files.ts";

/**
 * Where a part that runs beside the customer's data may reach the network. The agent has one door, and what passes it is on
 * record (`egress-ledger.ts`); code without an agent has the SDK's: for runs of plain scripts, for triggers, for deploying and serving.
 */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  "apps/agent/src/": [
    "apps/agent/src/plane-client.ts",
    // A door inwards: it answers callers in the customer's network.
    "apps/agent/src/trigger-port.ts",
  ],
  "packages/sdk/src/": [
    "packages/sdk/src/standalone/recorder.ts",
    "packages/sdk/src/remote/profile-plane.ts",
    "packages/sdk/src/serve/register.ts",
    "packages/sdk/src/deploy/register-deployment.ts",
  ],
};

const NETWORK_MODULES =
  /^(@downbeat\/client(\/.*)?|undici|axios|got|node-fetch|ws|(node:)?(http|https|http2|net|tls|dgram|dns|dns\/promises))$/;

/** One sentence for each module that could send something past the doors. */
export function egressViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const doors = Object.entries(DOORS).find(([folder]) => file.path.startsWith(folder))?.[1];
    if (doors === undefined || doors.includes(file.path) || isForTests(file.path)) return [];
    return offencesOf(moduleFacts(file));
  });
}

function offencesOf({ path, valueImports, usesGlobalNetwork }: ModuleFacts): string[] {
  const imported = valueImports.filter((specifier) => NETWORK_MODULES.test(specifier));
  return [
    ...imported.map((specifier) => `${path} imports "${specifier}"`),
    ...(usesGlobalNetwork ? [`${path} uses the global network functions`] : []),
  ].map(
    (offence) => `${offence}: only ${Object.values(DOORS).flat().join(", ")} reach the network`,
  );
}

function isForTests(path: string): boolean {
  return /\.(test|fixture)\.tsx?$/.test(path) || path.startsWith("packages/sdk/src/testing/");
}
