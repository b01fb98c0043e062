#!/usr/bin/env node
import { isDownbeatError, type ErrorCode } from "@downbeat/contract";
import type { Agent } from "./agent.ts";
import { readConfig } from "./config.ts";
import { SETTINGS } from "./settings.ts";
import { startAgent } from "./start-agent.ts";
import { VERSION } from "./version.ts";

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  usage_invalid: 2,
  configuration_invalid: 2,
  credentials_invalid: 4,
  credentials_missing: 4,
  credentials_expired: 4,
  role_insufficient: 4,
  profile_missing: 4,
  pool_not_found: 5,
  not_found: 5,
  unreachable: 6,
  key_missing: 7,
  key_wrong: 7,
};

const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("-h")) process.stdout.write(help());
else if (args.includes("--version")) process.stdout.write(`${VERSION}\n`);
else await run();

async function run(): Promise<void> {
  const starting = new AbortController();
  let agent: Agent | undefined;
  let signals = 0;
  const onSignal = () => {
    signals += 1;
    starting.abort();
    if (agent !== undefined) void (signals === 1 ? agent.stop() : agent.kill()).catch(fail);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  try {
    const config = readConfig(args);
    agent = await startAgent(config, { signal: starting.signal });
    if (config.readyLine) {
      process.stdout.write(
        `${JSON.stringify({ agent: agent.agentId, session: agent.sessionId })}\n`,
      );
    }
    if (starting.signal.aborted) await agent.stop();
  } catch (error) {
    if (!starting.signal.aborted) fail(error);
  }
}

function fail(error: unknown): void {
  process.stderr.write(`${describe(error)}\n`);
  // Not process.exit(): what is left of stderr would be lost in a pipe.
  process.exitCode = (isDownbeatError(error) ? EXIT_CODES[error.code] : undefined) ?? 1;
}

function describe(error: unknown): string {
  if (!isDownbeatError(error))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : "";
  return `${error.code}: ${error.message}\n  ${error.remedy}${cause}`;
}

function help(): string {
  const rows = Object.values(SETTINGS).map(({ flag, variable, fallback, about }) => {
    const names = flag === undefined ? variable : `--${flag}, ${variable}`;
    return `  ${names}${fallback === undefined ? "" : ` (${fallback})`}\n      ${about}`;
  });
  return `Usage: downbeat-agent [flags]\n\nTakes runs from a work pool and runs flows next to the data. Dials out only.\n\n${rows.join("\n")}\n`;
}
