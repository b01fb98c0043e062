import { Command } from "commander";
import { isTerminal, STATE_REASONS } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { findRunId } from "../runs/find-run.ts";

export function runsWhyCommand(): Command {
  return new Command("why")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("say why a run is not running, or how it ended")
    .action(action(sayWhy))
    .addHelpText(
      "after",
      "\nWith --json: { waiting, code, words, details }, as GET /v1/runs/:runId/why returns it.",
    );
}

async function sayWhy(context: CliContext, _options: object, given: string): Promise<void> {
  const { client } = await context.connect();
  const params = { runId: await findRunId(client, given) };
  const why = await client.call("readWhy", { params });
  if (why.waiting) return context.output.result(why, () => why.words ?? "");
  const { state, reason } = await client.call("readRun", { params });
  const ending = isTerminal(state.type) ? ` ${STATE_REASONS[reason]}` : "";
  context.output.result(why, () => `It does not wait: it is ${state.name}.${ending}`);
}
