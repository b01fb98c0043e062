import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import type { CliContext } from "../context.ts";
import { Interrupted } from "../interrupt.ts";
import { followLogs } from "../runs/follow-logs.ts";
import { followStates } from "../runs/follow-states.ts";
import { logLineWords } from "../runs/log-words.ts";
import { triggerDeployment } from "../runs/trigger-deployment.ts";
import { examplesDirectory } from "../service-binary.ts";
import { stateLine } from "../state-words.ts";

export const EXAMPLE_FLOW = "seattle-weather";
const PARAMETERS = ["year=2014", "metric=precipitation"];
const RESULT_FILE = "seattle-precipitation-2014.json";

/** Triggers the example and prints its states and its log, opened here, as they happen. */
export async function runExample(context: CliContext, stopped: AbortSignal): Promise<Run> {
  const { client } = await context.connect();
  const { opener } = await context.unlock();
  const { output } = context;
  const params = { flowName: EXAMPLE_FLOW, deploymentName: "default" };
  const deployment = await client.call("readDeployment", { params });
  output.line(`\nRunning ${EXAMPLE_FLOW} with ${PARAMETERS.join(", ")}:`);
  const run = await triggerDeployment(context, deployment, { param: PARAMETERS });
  const onState = (record: Parameters<typeof stateLine>[1]): void =>
    output.line(`  ${stateLine(output.colors, record)}`);
  const logs = followLogs(client, run.id, opener, {
    signal: stopped,
    follow: true,
    onLine: (line) => output.line(`  ${logLineWords(output.colors, line)}`),
    onNote: ({ title, detail }) => output.warn(`  ${title}. ${detail}`),
  });
  const states = followStates(client, run.id, { signal: stopped, onState });
  await Promise.all([states, logs]).catch((error: unknown) => {
    if (stopped.aborted) throw new Interrupted();
    throw error;
  });
  return client.call("readRun", { params: { runId: run.id } });
}

/** Where the example wrote its result, once it is there. */
export async function exampleResultPath(context: CliContext): Promise<string | undefined> {
  const path = join(
    context.config.exampleResults ?? join(examplesDirectory(), "results"),
    RESULT_FILE,
  );
  return access(path).then(
    () => path,
    () => undefined,
  );
}
