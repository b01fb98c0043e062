export { buildApp, type AppDependencies } from "./app.ts";
export { createSigningKeys, loadSigningKeys, type SigningKeys } from "./auth/signing-keys.ts";
export { createWorkspaceWithKey } from "./bootstrap.ts";
export { readConfig, type ApiConfig } from "./config.ts";
export { renderConfigurationPage } from "./configuration-page.ts";
export { partitionsRound } from "./engine/keep-partitions.ts";
export { listen } from "./listen.ts";
export { createLogger } from "./logger.ts";
export { serve, type RunningApi } from "./serve.ts";
