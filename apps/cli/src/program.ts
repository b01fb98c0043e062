import { Command } from "commander";
import { agentCommand } from "./commands/agent.ts";
import { apiCommand } from "./commands/api.ts";
import { deployCommand } from "./commands/deploy.ts";
import { deploymentCommand } from "./commands/deployment.ts";
import { devCommand, startCommand } from "./commands/dev.ts";
import { explainCommand } from "./commands/explain.ts";
import { flowCommand } from "./commands/flow.ts";
import { keyCommand } from "./commands/key.ts";
import { limitCommand } from "./commands/limit.ts";
import { loginCommand } from "./commands/login.ts";
import { poolCommand } from "./commands/pool.ts";
import { resultsCommand } from "./commands/results.ts";
import { runCommand } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { uiCommand } from "./commands/ui.ts";

/** The whole command tree; help and docs/cli.md are made from it. */
export function buildProgram(version: string): Command {
  const program = new Command("downbeat")
    .description("Workflow orchestration in which code and data never leave your network.")
    .version(version, "-V, --version", "print the version")
    .option("--json", "print data as JSON on stdout, errors as JSON on stderr")
    .option("-q, --quiet", "no progress and no hints on stderr")
    .option("--no-input", "never ask; fail and name what is missing instead")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true)
    // Said once, in one form, by run-program.ts.
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", ENVIRONMENT_HELP);
  for (const command of commands()) program.addCommand(command);
  return inherit(program);
}

function commands(): Command[] {
  return [
    startCommand(),
    devCommand(),
    loginCommand(),
    keyCommand(),
    explainCommand(),
    deployCommand(),
    runCommand(),
    runsCommand(),
    flowCommand(),
    deploymentCommand(),
    agentCommand(),
    poolCommand(),
    limitCommand(),
    resultsCommand(),
    uiCommand(),
    apiCommand(),
  ];
}

/** `addCommand` leaves a subcommand with settings of its own; help and errors should look the same everywhere. */
function inherit(program: Command): Command {
  program.exitOverride();
  for (const command of program.commands) inherit(command.copyInheritedSettings(program));
  return program;
}

const ENVIRONMENT_HELP = `
Environment:
  DOWNBEAT_API_URL, DOWNBEAT_API_KEY  where the API is, and who you are (instead of a profile)
  DOWNBEAT_KEY_FILE                   the workspace keyset, which opens what is sealed
  DOWNBEAT_KEY                        the keyset itself, where no file can be mounted; wins over any file
  DOWNBEAT_SIGNING_KEY_FILE           the key that signs deployments and triggers
  DOWNBEAT_HOME                       state of this project (default .downbeat)
  DOWNBEAT_PROFILE_FILE               profile to use (default profile.json in DOWNBEAT_HOME)
  NO_COLOR                            no colours

Exit codes: 0 ok, 1 failed, 2 usage, 4 not authenticated, 5 not found, 6 API unreachable, 7 key missing or wrong,
8 log not whole, 124 wait timed out, 130 interrupted. docs/cli.md has the details.`;
