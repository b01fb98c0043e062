import { watchConsole } from "../capture-console.ts";
import { blankFrame, inFrame } from "../frame.ts";
import type { Frame } from "../frame.ts";
import { RunScope } from "../run-scope.ts";
import type { RunHost } from "../run-host.ts";
import { TaskRun } from "../task-run.ts";
import type { TaskSpec } from "../task-spec.ts";
import type { ThreadCall, ThreadMessage, ThreadReply } from "./thread-call.ts";
import { toThreadError } from "./thread-error.ts";
import { slotsThrough } from "./thread-slots.ts";

/** The thread's side: calls the task's function as if it ran where it was called. Never rejects. */
export async function answerThreadCall(spec: TaskSpec, call: ThreadCall): Promise<ThreadReply> {
  const say = (message: ThreadMessage) => call.port.postMessage(message);
  const scope = scopeOf(call, say);
  try {
    const invoke = () => Reflect.apply(spec.fn, undefined, call.args);
    return { ok: true, result: await inFrame(frameOf(spec, call, scope), invoke) };
  } catch (error) {
    return { ok: false, error: toThreadError(error) };
  } finally {
    scope?.flushShown();
    say(null);
    call.port.close();
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
