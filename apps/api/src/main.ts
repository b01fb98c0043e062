#!/usr/bin/env node
import "./old-generation.ts";
import { DownbeatError, isDownbeatError } from "@downbeat/contract";
import { createWorkspaceWithKey } from "./bootstrap.ts";
import { readConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { openConfiguredDatabase, serve } from "./serve.ts";

const HELP = `Usage: downbeat-api [command]

Runs the Downbeat API: state, scheduling and the agent protocol.

Commands
  serve                    listen and serve (the default)
  create-workspace <name>  make a workspace with an admin API key; prints {"workspaceId","apiKey"} once
  --help                   this text

It is configured by environment variables; docs/configuration.md lists them. Logs go to stderr.
`;

type Command = (args: readonly string[]) => Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: serveUntilStopped,
  "create-workspace": createWorkspace,
  "--help": printHelp,
  "-h": printHelp,
  help: printHelp,
};

const [name = "serve", ...args] = process.argv.slice(2);
try {
  await commandOf(name)(args);
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}

function commandOf(asked: string): Command {
  const command = COMMANDS[asked];
  if (command !== undefined) return command;
  throw new DownbeatError("usage_invalid", {
    message: `There is no command "${asked}". See downbeat-api --help.`,
  });
}

async function serveUntilStopped(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const api = await serve(config, logger);
  // From here on a signal closes in order; before, it simply ends the process.
  const stopped = stopSignal();
  logger.info({ url: api.url }, "listening");
  if (config.readyLine) process.stdout.write(`${JSON.stringify({ listening: api.url })}\n`);
  logger.info({ signal: await stopped }, "stopping");
  await api.close();
  logger.info("stopped");
}

async function createWorkspace([workspaceName, ...rest]: readonly string[]): Promise<void> {
  if (workspaceName === undefined || rest.length > 0) {
    throw new DownbeatError("usage_invalid", { message: "create-workspace takes one name." });
  }
  const database = await openConfiguredDatabase(readConfig());
  try {
    await database.migrate();
    process.stdout.write(
      `${JSON.stringify(await createWorkspaceWithKey(database, workspaceName))}\n`,
    );
  } finally {
    await database.close();
  }
}

async function printHelp(): Promise<void> {
  process.stdout.write(HELP);
}

// A second signal while closing takes the default way: the process dies at once.
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}

function describeFailure(error: unknown): string {
  if (!isDownbeatError(error))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : "";
  return `${error.code}: ${error.message}\n  ${error.remedy}${cause}`;
}
