import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

/** The version of this agent, as it tells the plane. */
export const VERSION = manifest.version;
