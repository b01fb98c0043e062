import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { collect } from "../options.ts";
import { findRunId } from "../runs/find-run.ts";

type Options = { param?: string[]; params?: string; sign?: boolean };

export function runsResumeCommand(): Command {
  return new Command("resume")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("let a paused run go on; its input is checked and sealed on this machine")
    .option(
      "-p, --param <name=value>",
      "one field of the input, read as its schema wants it (repeatable)",
      collect,
    )
    .option("--params <source>", "the whole input as a JSON object: @file, - for stdin, or JSON")
    .option("--sign", "fail unless there is a signing key; with one, what is given is signed")
    .action(action(resume))
    .addHelpText(
      "after",
      `
Agents and processes that require signatures refuse what is given unsigned: the run then goes on waiting, and
\`downbeat runs why\` says so. With --json: the run.`,
    );
}

async function resume(context: CliContext, options: Options, given: string): Promise<void> {
  const { client } = await context.connect();
  const runId = await findRunId(client, given);
  const { pause, state } = await client.call("readRun", { params: { runId } });
  if (pause === null) {
    throw new DownbeatError("transition_rejected", {
      message: `The run ${runId} is ${state.name}; only a paused run can be resumed.`,
    });
  }
  const [{ sealInput }, { signInput }, { signingInForce }] = await Promise.all([
    import("../runs/seal-input.ts"),
    import("@downbeat/seal/node"),
    import("../signing.ts"),
  ]);
  const input = await sealInput(context, { runId, pause }, options);
  const signing = await signingInForce(context, options.sign);
  const signature = signing && (await signInput(signing, { runId, key: pause.key, input }));
  const body = { point: pause.key, input, ...(signature !== undefined && { signature }) };
  const run = await client.call("resumeRun", { params: { runId }, body });
  context.output.result(run, () => `Run ${runId} goes on from "${pause.key}".`);
}
