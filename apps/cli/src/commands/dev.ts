import { resolve } from "node:path";
import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";

const SUPERVISOR_HELP = `
State, keys and logs live in DOWNBEAT_HOME (default .downbeat) and survive restarts. The API listens on DOWNBEAT_PORT
(default 4200) and moves on if that is taken. With DATABASE_URL it uses that PostgreSQL server, else an embedded one.
Ctrl-C lets running flows finish, then stops; a second Ctrl-C kills (exit 130).`;

export function devCommand(): Command {
  return new Command("dev")
    .description("run API, page and agent here, with a project's flows deployed, until Ctrl-C")
    .option("--project <dir>", "the project whose flows are deployed and run", ".")
    .action(action(dev))
    .addHelpText("after", SUPERVISOR_HELP);
}

export function startCommand(): Command {
  return new Command("start")
    .description("like dev with the example project: deploys it, runs one flow, then keeps serving")
    .action(action(start))
    .addHelpText("after", SUPERVISOR_HELP);
}

async function dev(context: CliContext, { project }: { project: string }): Promise<void> {
  await run(context, resolve(project), false);
}

async function start(context: CliContext): Promise<void> {
  const { examplesDirectory } = await import("../service-binary.ts");
  await run(context, examplesDirectory(), true);
}

async function run(context: CliContext, projectDirectory: string, example: boolean): Promise<void> {
  const { supervise } = await import("../dev/supervise.ts");
  const stoppedCleanly = await supervise(context, { projectDirectory, example });
  if (!stoppedCleanly) process.exitCode = EXIT.interrupted.code;
}
