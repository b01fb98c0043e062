import { resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { table } from "../table.ts";

type Options = { project: string };

export function explainCommand(): Command {
  return new Command("explain")
    .argument("<flow>", "name of a flow of this project")
    .description("say what a flow would send, field by field, before it is ever deployed or run")
    .option("--project <dir>", "the project directory", ".")
    .action(action(explain))
    .addHelpText(
      "after",
      `
Made from the flow's definition and the labels of every field; no API is asked, no key is needed, and nothing is sent. Plain
fields show their value where it is known; sealed ones what is inside. "transit" marks what callers may send in clear, since the
project's configuration says hostTransit of a deployment. \`downbeat agent audit\` shows what was really sent.

With --json: { flowName, entrypoint, sends, stays }, with sends { when, route, path, boundary, holds }.`,
    );
}

async function explain(context: CliContext, options: Options, flowName: string): Promise<void> {
  const [{ planProject }, { explainFlow }] = await Promise.all([
    import("../deploy/plan-project.ts"),
    import("../explain/explain-flow.ts"),
  ]);
  const projectDirectory = resolve(options.project);
  const { deployments } = await planProject({ projectDirectory, paths: [], keepGoing: true });
  const own = deployments.filter(({ flow }) => flow.flowName === flowName);
  const [first] = own;
  if (first === undefined) {
    const names = [...new Set(deployments.map(({ flow }) => flow.flowName))];
    throw new DownbeatError("flow_not_found", {
      message: `No flow "${flowName}" in ${projectDirectory}; there are ${names.join(", ")}.`,
    });
  }
  const open = own.filter(({ config }) => config.hostTransit === true).map(({ name }) => name);
  const explanation = explainFlow(first.flow, open);
  context.output.result(explanation, ({ bold }) => {
    const rows = explanation.sends.map(({ when, route, path, boundary, holds }) => [
      when,
      route,
      path,
      boundary,
      holds.length > LONGEST_SHOWN ? `${holds.slice(0, LONGEST_SHOWN)}…` : holds,
    ]);
    return [
      bold(`${explanation.flowName} (${explanation.entrypoint})`),
      table(["WHEN", "ROUTE", "FIELD", "WHO SEES IT", "HOLDS"], rows),
      `\nStays here: ${explanation.stays.join("; ")}.`,
    ].join("\n");
  });
}

const LONGEST_SHOWN = 60;
