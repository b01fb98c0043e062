import { Command } from "commander";
import { DownbeatError, type Deployment } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { collect } from "../options.ts";
import { parseInstant } from "../parse-instant.ts";
import { parseTarget } from "../parse-target.ts";
import type { SchemaNode } from "../parameters/schema-node.ts";
import { watchRun } from "../runs/watch-run.ts";

type Options = {
  param?: string[];
  params?: string;
  each?: string;
  at?: string;
  tag?: string[];
  watch?: boolean;
  timeout?: string;
  idempotencyKey?: string;
  sign?: boolean;
};

export function runCommand(): Command {
  return new Command("run")
    .argument("<flow>", "flow, or flow/deployment (without it: the deployment `default`)")
    .description("trigger a deployed flow; parameters are checked and sealed on this machine")
    .option(
      "-p, --param <name=value>",
      "one parameter, read as the flow's schema wants it (repeatable)",
      collect,
    )
    .option(
      "--params <source>",
      "all parameters as a JSON object: @file, - for stdin, or the JSON itself",
    )
    .option(
      "--each <source>",
      "a run for each line of @file or - (stdin), a JSON object of parameters each",
    )
    .option("--at <time>", "not before this time (2026-03-01T07:00:00Z)")
    .option("--tag <tag>", "a static label, visible to the API (repeatable)", collect)
    .option("-w, --watch", "print states until the run is over; exits 0 only when it completes")
    .option("--timeout <duration>", "with --watch: how long to wait at most (90s, 5m)")
    .option(
      "--idempotency-key <uuid>",
      "repeating the command with this key returns the same run; with --each, the same run for each line number",
    )
    .option("--sign", "fail unless there is a signing key; with one, every trigger is signed")
    .action(action(triggerRun))
    .addHelpText(
      "after",
      `
Examples:
  downbeat run seattle-weather -p year=2014 -p metric=wind --watch
  echo '{"year": 2013}' | downbeat run seattle-weather --params -
  downbeat run seattle-weather --each @years.ndjson -p metric=wind --idempotency-key "$(uuidgen)"

--each makes any number of runs, while it reads, and prints their ids in order. What -p and --params give, every run has; where a
line gives the same parameter, the line's counts. A line that does not fit the flow (with these) ends it, with the line's number:
the runs of the lines before are made then, none after it. What breaks on the way is resumed by itself.
Repeated with the same --idempotency-key and the same lines, the command makes only the runs that are missing; correct or add
lines where they are, since a line is known by its number.

With --json: the run, as POST /v1/runs returns it; with --watch the run as it stands when the wait ends; with --each a line
{"line", "runId", "error"} for each run.`,
    );
}

async function triggerRun(context: CliContext, options: Options, target: string): Promise<void> {
  const scheduledFor = options.at === undefined ? undefined : parseInstant("--at", options.at);
  checkIdempotencyKey(options.idempotencyKey);
  if (options.each !== undefined) {
    const each = eachOf(options);
    const { triggerEach } = await import("../runs/trigger-each.ts");
    const deployment = await findDeployment(context, target);
    return triggerEach(context, deployment, { ...options, each, scheduledFor });
  }
  const connection = await context.connect();
  const { triggerDeployment } = await import("../runs/trigger-deployment.ts");
  const run = await triggerDeployment(context, await findDeployment(context, target), {
    ...options,
    scheduledFor,
  });
  context.output.note(
    `Run ${run.id} of ${run.flowName} at ${connection.profile.apiUrl}/runs/${run.id}`,
  );
  if (options.watch !== true) return context.output.result(run, () => run.id);
  await watch(context, run.id, options.timeout);
}

/** @throws {DownbeatError} `usage_invalid` with options that are about one run, or two that read stdin */
function eachOf({ each = "", watch, timeout, params }: Options): string {
  const refusals = [
    [watch, "--watch follows one run; list these with `downbeat runs ls`, or watch one by its id"],
    [timeout !== undefined, "--timeout goes with --watch, which follows one run"],
    [each === "-" && params === "-", "--params - would read stdin too; give one of them as @file"],
  ] as const;
  const refusal = refusals.find(([isGiven]) => isGiven)?.[1];
  if (refusal !== undefined)
    throw new DownbeatError("usage_invalid", { message: `With --each: ${refusal}.` });
  return each;
}

function checkIdempotencyKey(key: string | undefined): void {
  if (key === undefined || UUID.test(key)) return;
  const message = `--idempotency-key "${key}" is not a UUID; make one with uuidgen.`;
  throw new DownbeatError("usage_invalid", { message });
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** For people the states as they come; with --json the run alone, as it stands when the wait ends. */
async function watch(
  context: CliContext,
  runId: string,
  timeout: string | undefined,
): Promise<void> {
  const { client } = await context.connect();
  try {
    await watchRun(context, runId, { timeout, expect: "completed", silent: context.output.json });
  } finally {
    if (context.output.json)
      context.output.result(await client.call("readRun", { params: { runId } }), () => "");
  }
}

async function findDeployment(
  context: CliContext,
  target: string,
): Promise<Deployment & { parameterSchema: SchemaNode | null }> {
  const { flowName, deploymentName = "default" } = parseTarget(target);
  const { client } = await context.connect();
  return client.call("readDeployment", { params: { flowName, deploymentName } });
}
