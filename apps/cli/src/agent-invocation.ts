import type { CliConfig } from "./config.ts";
import type { LoadedProfile, Profile } from "./profile.ts";
import { serviceBinary } from "./service-binary.ts";

export type AgentOptions = {
  readonly pool: string;
  /** Absolute. */
  readonly project: string;
  readonly name?: string | undefined;
  readonly concurrency?: string | undefined;
  readonly launcher?: string | undefined;
  readonly labels?: string | undefined;
  readonly allow?: string | undefined;
  readonly triggerPort?: string | undefined;
  readonly captureConsole?: boolean | undefined;
};

export type Invocation = {
  readonly program: string;
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
};

/** How to start the agent as a process. Credentials travel in its environment, where no process list shows them. */
export function agentInvocation(
  options: AgentOptions,
  profile: Profile & Pick<LoadedProfile, "keyText">,
  config: CliConfig,
): Invocation {
  const { pool, project, name, concurrency, launcher, labels, allow } = options;
  const { triggerPort, captureConsole } = options;
  // One by one: options of the whole command line, such as --json and --no-input, come along in what is given.
  const flags = {
    pool,
    project,
    name,
    concurrency,
    launcher,
    labels,
    allow,
    "trigger-port": triggerPort,
    "capture-console": captureConsole ? "1" : undefined,
  };
  return {
    program: serviceBinary("@downbeat/agent"),
    args: Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}`, value],
    ),
    env: {
      ...config.environment,
      DOWNBEAT_HOME: config.home,
      DOWNBEAT_API_URL: profile.apiUrl,
      DOWNBEAT_API_KEY: profile.apiKey,
      ...(profile.keyFile !== undefined && { DOWNBEAT_KEY_FILE: profile.keyFile }),
      ...(profile.keyText !== undefined && { DOWNBEAT_KEY: profile.keyText }),
    },
  };
}
