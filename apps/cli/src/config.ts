import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DownbeatError } from "@downbeat/contract";

/** The environment as the command reads it, once. Tokens and keys come from here, never from flags. */
export type CliConfig = {
  /** Absolute path of the directory that holds state and keys. */
  readonly home: string;
  /** True when DOWNBEAT_HOME names it; else it is `.downbeat` in the working directory. */
  readonly homeIsSet: boolean;
  readonly profileFile: string | undefined;
  /** Profile of the person rather than the project: `~/.config/downbeat/profile.json`. */
  readonly userProfileFile: string;
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly keyFile: string | undefined;
  /** The workspace keyset itself; wins over every file. */
  readonly keyText: string | undefined;
  readonly signingKeyFile: string | undefined;
  readonly port: number;
  readonly host: string;
  readonly exampleResults: string | undefined;
  readonly noColor: boolean;
  /** True in CI: nothing is ever asked there. */
  readonly unattended: boolean;
  /** Passed on to the processes this command starts: without the workspace key, which is given only to an agent. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
};

/** @throws {DownbeatError} `configuration_invalid` for a DOWNBEAT_PORT that is no port */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): CliConfig {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const home = value("DOWNBEAT_HOME");
  return {
    home: resolve(home ?? ".downbeat"),
    homeIsSet: home !== undefined,
    profileFile: value("DOWNBEAT_PROFILE_FILE"),
    userProfileFile: join(
      value("XDG_CONFIG_HOME") ?? join(homedir(), ".config"),
      "downbeat",
      "profile.json",
    ),
    apiUrl: value("DOWNBEAT_API_URL"),
    apiKey: value("DOWNBEAT_API_KEY"),
    keyFile: value("DOWNBEAT_KEY_FILE"),
    keyText: value("DOWNBEAT_KEY"),
    signingKeyFile: value("DOWNBEAT_SIGNING_KEY_FILE"),
    port: readPort(value("DOWNBEAT_PORT")),
    host: value("DOWNBEAT_HOST") ?? "127.0.0.1",
    exampleResults: value("EXAMPLE_RESULTS_DIR"),
    noColor: wantsNoColor(environment),
    unattended: value("CI") !== undefined,
    environment: environmentToPassOn(environment),
  };
}

/** What processes inherit: they may run the customer's modules, or be the API. */
export function environmentToPassOn(
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { DOWNBEAT_KEY: _, ...rest } = environment;
  return rest;
}

/** https://no-color.org: any value but the empty one. */
export function wantsNoColor(environment: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(environment["NO_COLOR"]);
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 4200;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new DownbeatError("configuration_invalid", {
    message: `DOWNBEAT_PORT is "${text}"; it must be a port number from 0 to 65535.`,
  });
}
