import { watchConsole } from "../capture-console.ts";
import { blankFrame, inFrame } from "../frame.ts";
import type { Frame } from "../frame.ts";
import { RunScope } from "../run-scope.ts";
import type { RunHost } from "../run-host.ts";
import { flushSpans, inTrace } from "../run-span.ts";
import { TaskRun } from "../task-run.ts";
import type { TaskSpec } from "../task-spec.ts";
import type { ThreadCall, ThreadMessage, ThreadReply } from "./thread-call.ts";
import { systemTimers, withinMs } from "../timers.ts";
import { toThreadError } from "./thread-error.ts";
import { slotsThrough } from "./thread-slots.ts";

const LONGEST_EXPORT_MS = 5_000;

/** The thread's side: calls the task's function as if it ran where it was called. Never rejects. */
export async function answerThreadCall(spec: TaskSpec, call: ThreadCall): Promise<ThreadReply> {
  const say = (message: ThreadMessage) => call.port.postMessage(message);
  const scope = scopeOf(call, say);
  try {
    const fn = () => Reflect.apply(spec.fn, undefined, call.args);
    const invoke = () => inTrace(call.traceparent, fn);
    return { ok: true, result: await inFrame(frameOf(spec, call, scope), invoke) };
  } catch (error) {
    return { ok: false, error: toThreadError(error) };
  } finally {
    scope?.flushShown();
    await exportSpans();
    say(null);
    call.port.close();
  }
}

// Now: an idle thread stands still, and is ended without being asked.
async function exportSpans(): Promise<void> {
  try {
    await withinMs(systemTimers, LONGEST_EXPORT_MS, flushSpans);
  } catch (error) {
    process.emitWarning(`OpenTelemetry spans of a thread were not exported: ${String(error)}`);
  }
}

function frameOf(spec: TaskSpec, call: ThreadCall, scope: RunScope | undefined): Frame {
  const frame = { ...blankFrame, scope, flowAttempt: call.flowAttempt };
  const run = inFrame(frame, () => new TaskRun(spec, call.args, undefined));
  run.continues(call);
  return { ...frame, task: { run, attempt: call.attempt } };
}

// Everything goes to the thread that called: it knows the host, and whether a script prints its log.
function scopeOf(call: ThreadCall, event: RunHost["event"]): RunScope | undefined {
  const { run, limitedTags, capturesConsole, port } = call;
  if (run === undefined) return undefined;
  if (capturesConsole === true) watchConsole();
  const host: RunHost = {
    run,
    event,
    signal: new AbortController().signal,
    ...(limitedTags !== undefined && { limitedTags, acquireSlots: slotsThrough(port) }),
  };
  return new RunScope({ host, flowName: run.flowName, printsLogs: false, capturesConsole });
}
