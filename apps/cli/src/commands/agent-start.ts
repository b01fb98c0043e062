import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { agentInvocation } from "../agent-invocation.ts";
import { action, type CliContext } from "../context.ts";
import { loadProfile } from "../profile.ts";

type Options = {
  pool: string;
  project: string;
  name?: string;
  concurrency?: string;
  launcher?: string;
  labels?: string;
  allow?: string;
  triggerPort?: string;
  captureConsole?: boolean;
};

export function agentStartCommand(): Command {
  return new Command("start")
    .description(
      "start an agent here; it dials out, claims runs, and runs the flows of this project",
    )
    .option("--pool <name>", "work pool to serve", "default")
    .option("--project <dir>", "directory of the flows; nothing outside it is run", ".")
    .option("--name <name>", "name of the agent (default: the host name)")
    .option("--concurrency <count>", "most runs at a time")
    .option("--labels <list>", "what this agent can do, with commas; deployments may require some")
    .option(
      "--allow <list>",
      "files or folders of the project that may be run, with commas (default: all)",
    )
    .option(
      "--trigger-port <port>",
      "take triggers in plain JSON here; they are sealed and forwarded",
    )
    .option(
      "--capture-console",
      "what flows write to the console goes to their log with its level and its task",
    )
    .addOption(
      new Option(
        "--launcher <kind>",
        "warm: processes are kept; process: a fresh one per run",
      ).choices(["warm", "process"]),
    )
    .action(action(startAgent))
    .addHelpText(
      "after",
      `
Credentials: an enrolment token in DOWNBEAT_ENROL_TOKEN, or the profile's API key (role admin) to enrol with. The
workspace key comes from DOWNBEAT_KEY, DOWNBEAT_KEY_FILE or the profile. Ctrl-C lets running flows finish; again stops them.
Exits with the agent's own exit code.`,
    );
}

async function startAgent(context: CliContext, options: Options): Promise<void> {
  const profile = await loadProfile(context.config);
  const { program, args, env } = agentInvocation(
    { ...options, project: resolve(options.project) },
    profile,
    context.config,
  );
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit", env });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // A terminal sends Ctrl-C to the agent as well; passing it on would count as the second one.
  process.on("SIGINT", process.stdin.isTTY ? () => undefined : forward);
  process.on("SIGTERM", forward);
  process.on("SIGHUP", forward);
  process.exitCode = await new Promise<number>((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code, signal) =>
      done(code ?? 128 + constants.signals[signal ?? "SIGTERM"]),
    );
  });
}
