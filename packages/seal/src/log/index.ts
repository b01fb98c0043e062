export { chunkTag, findAbsent, findForeign, findLogFlaws } from "./find-log-flaws.ts";
export type { ChunkTag } from "./find-log-flaws.ts";
export type { LogFlaw } from "./log-flaw.ts";
export { openLogChunk, openLogManifest } from "./open-log.ts";
export type { OpenedChunk, OpenedManifest } from "./open-log.ts";
export { sealFailureOf } from "./seal-failure.ts";
export type { SealFailure } from "./seal-failure.ts";
