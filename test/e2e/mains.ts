import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The built programs, found through their packages so that sources and build output find the same ones. */
export const API_MAIN = join(
  dirname(require.resolve("@downbeat/api/package.json")),
  "dist/main.js",
);
export const CLI_MAIN = join(
  dirname(require.resolve("@downbeat/cli/package.json")),
  "dist/main.js",
);

/** The agent itself, not the command that starts it: a signal reaches the process that holds the leases. */
export const AGENT_MAIN = join(
  dirname(require.resolve("@downbeat/agent/package.json")),
  "dist/main.js",
);
