import { FLOW } from "../flow-definition.ts";
import { flow } from "../flow.ts";
import type { FlowOutcome } from "../run-host.ts";
import { RecordingHost } from "../testing/recording-host.ts";

/** Runs a flow's body as an attempt of one and the same run that an agent drives. */
export async function attempt(
  body: () => unknown,
  resultsFrom = 0,
): Promise<{ readonly host: RecordingHost; readonly outcome: FlowOutcome }> {
  const host = new RecordingHost("f");
  const run = { ...host.run, resultsFrom };
  const outcome = await flow({ name: "f" }, body)[FLOW].execute(
    {},
    { run, event: (event) => host.event(event), signal: host.signal },
  );
  return { host, outcome };
}
