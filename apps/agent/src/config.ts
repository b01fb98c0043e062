import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DownbeatError, type ErrorIssue } from "@downbeat/contract";
import type { z } from "zod";
import { readProfile } from "./profile.ts";
import { SETTINGS } from "./settings.ts";

type Settings = typeof SETTINGS;
type Parsed = {
  readonly [K in keyof Settings]:
    | z.output<Settings[K]["schema"]>
    | (Settings[K]["fallback"] extends string ? never : undefined);
};

/** What the agent runs with. Paths are absolute. */
export type AgentConfig = Omit<Parsed, "apiUrl" | "name"> & {
  readonly apiUrl: string;
  readonly name: string;
  /** The environment of flows: the agent's without anything of Downbeat's own, so without keys and credentials. */
  readonly childEnvironment: Readonly<Record<string, string>>;
  /** Node options of flow processes. */
  readonly childExecArgv: readonly string[];
  /** The module that flow processes run. Default: the SDK's worker. */
  readonly workerEntryPath?: string | undefined;
};

/**
 * Reads command line, environment and profile; the only place of this app that does.
 *
 * @throws DownbeatError `configuration_invalid`, naming every bad setting at once; `usage_invalid`; `profile_missing`
 */
export function readConfig(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): AgentConfig {
  const parsed = parseSettings(readFlags(args), environment);
  requireTriggerToken(parsed);
  const home = resolve(parsed.home);
  const profileFile = resolve(parsed.profileFile ?? join(home, "profile.json"));
  const profile = readProfile(profileFile);
  const apiUrl = parsed.apiUrl ?? profile?.apiUrl;
  if (apiUrl === undefined) {
    throw new DownbeatError("profile_missing", {
      message: `DOWNBEAT_API_URL is not set and there is no ${profileFile}.`,
    });
  }
  // A profile of another server says nothing about this one.
  const own = profile?.apiUrl === apiUrl ? profile : undefined;
  const profileKey =
    own?.keyFile === undefined ? undefined : resolve(dirname(profileFile), own.keyFile);
  return {
    ...parsed,
    home,
    apiUrl,
    apiKey: parsed.apiKey ?? own?.apiKey,
    keyFile: absolute(parsed.keyFile) ?? profileKey,
    name: parsed.name ?? defaultName(),
    signersFile: absolute(parsed.signersFile),
    signingKeyFile: absolute(parsed.signingKeyFile),
    project: resolve(parsed.project),
    childEnvironment: childEnvironment(environment),
    childExecArgv: [],
  };
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Whoever reaches the trigger port can start flows, so it is open to other machines only for those with a token. */
function requireTriggerToken({ triggerHost, triggerPort, triggerToken }: Parsed): void {
  if (triggerPort === undefined || triggerToken !== undefined || LOOPBACK.test(triggerHost)) return;
  const message = `DOWNBEAT_TRIGGER_HOST is "${triggerHost}", which other machines can reach; set DOWNBEAT_TRIGGER_TOKEN as well.`;
  throw new DownbeatError("configuration_invalid", { message });
}

function readFlags(args: readonly string[]): Record<string, string | undefined> {
  const flags = Object.values(SETTINGS).flatMap(({ flag }) => (flag === undefined ? [] : [flag]));
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: "string" as const }]));
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Record<
      string,
      string | undefined
    >;
  } catch (cause) {
    throw new DownbeatError("usage_invalid", {
      message: `${cause instanceof Error ? cause.message : String(cause)} Flags: ${flags.map((flag) => `--${flag}`).join(", ")}.`,
      cause,
    });
  }
}

function parseSettings(
  flags: Record<string, string | undefined>,
  environment: NodeJS.ProcessEnv,
): Parsed {
  const values: Record<string, unknown> = {};
  const issues: ErrorIssue[] = [];
  for (const [key, { variable, flag, schema, fallback }] of Object.entries(SETTINGS)) {
    const flagged = flag === undefined ? undefined : flags[flag];
    const text = flagged ?? (environment[variable] || fallback);
    if (text === undefined) continue;
    const result = schema.safeParse(text);
    if (result.success) values[key] = result.data;
    else
      issues.push({
        path: flagged === undefined ? variable : `--${flag}`,
        message: messagesOf(result.error),
      });
  }
  if (issues.length === 0) return values as Parsed;
  // Values are left out on purpose: some of these are secrets.
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join(". ");
  throw new DownbeatError("configuration_invalid", {
    message: `The configuration is not valid. ${list}.`,
    issues,
  });
}

function messagesOf(error: z.ZodError): string {
  return error.issues.map(({ message }) => message).join("; ");
}

// A host may be named what an agent may not: everything but letters, digits and . _ - becomes a dash.
function defaultName(): string {
  const name = hostname()
    .replaceAll(/[^\w.-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 100);
  return name === "" ? "agent" : name;
}

function childEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name, value]) =>
      value !== undefined && !name.startsWith("DOWNBEAT_") && !name.startsWith("NODE_CHANNEL_"),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
