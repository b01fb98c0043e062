export { Agent } from "./agent.ts";
export { readConfig, type AgentConfig } from "./config.ts";
export { ProcessLauncher } from "./launchers/process.ts";
export { createLogger } from "./logger.ts";
export { startAgent, type StartOptions } from "./start-agent.ts";
