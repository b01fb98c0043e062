import { join } from "node:path";
import { agentInvocation } from "../agent-invocation.ts";
import type { CliContext } from "../context.ts";
import type { Profile } from "../profile.ts";
import { serviceBinary } from "../service-binary.ts";
import { KeptService } from "./kept-service.ts";

/** The API on the embedded database, or on the one that DATABASE_URL names. */
export function apiService({ config, output }: CliContext, apiKey: string): KeptService {
  return new KeptService(output, (firstLine) => ({
    name: "API",
    program: serviceBinary("@downbeat/api"),
    args: [],
    cwd: process.cwd(),
    logDirectory: join(config.home, "logs"),
    env: {
      ...config.environment,
      DOWNBEAT_HOME: config.home,
      DOWNBEAT_HOST: config.host,
      DOWNBEAT_BOOTSTRAP_API_KEY: apiKey,
      // Once it has a port it keeps it over restarts: the agent and open pages know that one.
      ...(firstLine === undefined
        ? { DOWNBEAT_PORT: String(config.port), DOWNBEAT_PORT_SEARCH: "1" }
        : { DOWNBEAT_PORT: new URL(firstLine["listening"] ?? "").port, DOWNBEAT_PORT_SEARCH: "0" }),
    },
  }));
}

/** An agent of the pool `default` that runs the project's flows. */
export function agentService(
  { config, output }: CliContext,
  profile: Profile,
  projectDirectory: string,
): KeptService {
  const options = { pool: "default", project: projectDirectory, name: "dev" };
  return new KeptService(output, () => {
    const { program, args, env } = agentInvocation(options, profile, config);
    return {
      name: "agent",
      program,
      args,
      env,
      cwd: projectDirectory,
      logDirectory: join(config.home, "logs"),
    };
  });
}
