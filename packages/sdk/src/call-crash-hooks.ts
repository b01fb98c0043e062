import type { FlowSpec } from "./flow-spec.ts";
import { blankFrame, currentFrame, inFrame } from "./frame.ts";
import { openScope } from "./open-scope.ts";
import type { ErrorRecord, RunHost } from "./run-host.ts";
import { HookRunner } from "./state-hooks.ts";

/** Calls a flow's `onCrashed` hooks for an attempt that another process ran and did not survive. Never rejects. */
export async function callCrashHooks(
  { name, hooks, captureConsole }: FlowSpec,
  { class: errorClass, message }: ErrorRecord,
  host: RunHost,
): Promise<void> {
  const { timers } = currentFrame() ?? blankFrame;
  const scope = openScope({ host, flowName: name, printsLogs: false, captureConsole });
  const { attempt } = host.run;
  const error = Object.assign(new Error(message), { name: errorClass });
  await inFrame({ ...blankFrame, timers, scope, flowAttempt: attempt }, async () => {
    const runner = new HookRunner(hooks ?? {}, timers);
    runner.fire({
      noun: "flow",
      name,
      state: { type: "CRASHED", name: "Crashed" },
      attempt,
      error,
    });
    await runner.settled();
    await scope.drained();
  });
  scope.flushShown();
}
