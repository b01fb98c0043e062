import { Command, InvalidArgumentError } from "commander";
import { TERMINAL_STATE_TYPES, type TerminalStateType } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { findRunId } from "../runs/find-run.ts";

export function runsSetStateCommand(): Command {
  return new Command("set-state")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .argument("<type>", TERMINAL_STATE_TYPES.join(", ").toLowerCase(), parseType)
    .description("declare a live run ended; its agent kills the process. Needs the role developer")
    .action(action(setState))
    .addHelpText("after", "\nWith --json: the run.");
}

async function setState(
  context: CliContext,
  _options: object,
  given: string,
  type: TerminalStateType,
): Promise<void> {
  const { client } = await context.connect();
  const runId = await findRunId(client, given);
  const run = await client.call("setRunState", { params: { runId }, body: { type } });
  context.output.result(run, () => `Run ${runId} is ${run.state.name}.`);
}

function parseType(text: string): TerminalStateType {
  const type = TERMINAL_STATE_TYPES.find((known) => known === text.toUpperCase());
  if (type !== undefined) return type;
  throw new InvalidArgumentError(`Give one of ${TERMINAL_STATE_TYPES.join(", ").toLowerCase()}.`);
}
