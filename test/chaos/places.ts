import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

export { AGENT_MAIN, API_MAIN, CLI_MAIN } from "../e2e/mains.ts";

// Found from a package, as this module stands elsewhere once it is built.
const ROOT = join(dirname(require.resolve("@downbeat/api/package.json")), "../..");

export const CHAOS_FLOWS = join(ROOT, "test/chaos/project/flows");
export const TEST_MODULES = join(ROOT, "test/node_modules");
