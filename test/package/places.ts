import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The repository's root; this file may run from source or from `dist`. */
export const ROOT = join(dirname(require.resolve("@downbeat/sdk/package.json")), "../..");
