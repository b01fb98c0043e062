import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

export { API_MAIN, CLI_MAIN } from "../e2e/mains.ts";

/** The agent itself, not the command that starts it: a signal must reach the process that holds the leases. */
export const AGENT_MAIN = join(
  dirname(require.resolve("@downbeat/agent/package.json")),
  "dist/main.js",
);

// Found from a package, as this module stands elsewhere once it is built.
const ROOT = join(dirname(require.resolve("@downbeat/api/package.json")), "../..");

export const CHAOS_FLOWS = join(ROOT, "test/chaos/project/flows");
export const TEST_MODULES = join(ROOT, "test/node_modules");
