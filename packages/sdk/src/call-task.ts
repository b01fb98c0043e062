import { DownbeatError } from "@downbeat/contract/errors";
import { runAttempts } from "./attempts.ts";
import type { AttemptPlan } from "./attempts.ts";
import { RunCancelled, UpstreamFailed } from "./errors.ts";
import { inFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { keepResult } from "./results/keep-result.ts";
import { inSpan } from "./run-span.ts";
import { Slots } from "./slots.ts";
import { admissionTo } from "./task-limits.ts";
import type { TaskRun } from "./task-run.ts";
import { upstreamsOf, valuesOnceEnded, withValues } from "./upstreams.ts";
import type { Upstreams } from "./upstreams.ts";

// Deeper than any sane recursion; endless ones end with an error that names them instead of with the memory.
const DEEPEST = 1_000;
// A task starts within the call, as a function does; so the stack would end before a recursion this deep does.
const FRESH_STACK_EVERY = 50;

/**
 * Runs one task call: in the flow run around it if there is one, alone otherwise. Resolves with `undefined` when the
 * task was skipped.
 */
export async function callTask(run: TaskRun, thisArg: unknown): Promise<unknown> {
  const { spec, frame } = run;
  frame.scope?.taskOpened();
  frame.transaction?.taskOpened();
  try {
    const runs = isReady(run) || (await becomesReady(run));
    if (!runs) return undefined;
    const result = await (spec.keep === undefined
      ? attempt(run, thisArg)
      : keepResult({ ...frame, ...spec, plan: spec.keep, args: run.args, witness: run }, (keep) =>
          attempt(run, thisArg, keep),
        ));
    frame.scope?.produced(result, run);
    if (spec.transactionHooks !== undefined) {
      const call = { taskName: spec.name, args: run.args, result };
      frame.transaction?.taskCompleted(spec.transactionHooks, call);
    }
    // Added last, undone first: a crash in the middle must not leave a result whose effects are gone.
    if (run.forget !== undefined) frame.transaction?.onRollback(run.forget);
    return result;
  } finally {
    if (spec.hooks !== undefined) await run.hooksSettled();
    frame.transaction?.taskClosed();
    frame.scope?.taskClosed();
  }
}

function attempt(
  run: TaskRun,
  thisArg: unknown,
  keep?: (value: unknown) => Promise<void>,
): Promise<unknown> {
  const { fn, owner } = run.spec;
  const invoke = () => notGenerator(Reflect.apply(fn, thisArg, run.args), owner);
  const make = async () => {
    const value = await invoke();
    await keep?.(value);
    return value;
  };
  return runAttempts(planOf(run), run, (number, signal) =>
    inSpan(run.span, () =>
      inFrame(frameOf(run, number, signal), keep === undefined ? invoke : make),
    ),
  );
}

function planOf(run: TaskRun): AttemptPlan {
  const { spec, frame } = run;
  return {
    owner: spec.owner,
    options: spec.retry,
    timers: frame.timers,
    firstAttempt: 1,
    signal: frame.signal,
    admit: admissionTo(run),
    abandon: (work) => frame.scope?.abandon(work),
  };
}

function frameOf(run: TaskRun, attempt: number, signal: AbortSignal | undefined): Frame {
  const { timers, scope, flowAttempt, transaction } = run.frame;
  const { concurrency } = run.spec;
  const slots = concurrency === undefined ? undefined : new Slots(concurrency);
  return { timers, scope, task: { run, attempt }, flowAttempt, signal, transaction, slots };
}

function isReady({ spec, args, depth }: TaskRun): boolean {
  if (spec.parse !== undefined || depth % FRESH_STACK_EVERY === 0) return false;
  return upstreamsOf(args, spec.after) === undefined;
}

async function freshStack(): Promise<void> {}

/** Waits for what the task depends on, and checks its arguments. False: it is not to run. */
async function becomesReady(run: TaskRun): Promise<boolean> {
  const { spec, args, depth } = run;
  try {
    await freshStack();
    if (depth > DEEPEST) throw tooDeep(run);
    const upstreams = upstreamsOf(args, spec.after);
    if (upstreams !== undefined && !(await upstreamsAllow(run, upstreams))) return false;
    if (spec.parse !== undefined) run.args = await spec.parse(run.args);
    return true;
  } catch (error) {
    if (error instanceof UpstreamFailed) run.upstreamFailed(error);
    else if (error instanceof RunCancelled) run.cancelled(1);
    else run.failed(1, error, false);
    throw error;
  }
}

async function upstreamsAllow(run: TaskRun, awaited: Upstreams): Promise<boolean> {
  const { signal } = run.frame;
  run.pending();
  const values = await valuesOnceEnded(run, { awaited, signal, runWhen: run.spec.runWhen });
  if (values === undefined) {
    run.skipped();
    return false;
  }
  run.findUpstream();
  run.args = withValues(run.args, values);
  return true;
}

// Its type promises a stream, and whoever called it got a promise.
function notGenerator(result: unknown, owner: string): unknown {
  if (typeof result !== "object" || result === null || !("throw" in result)) return result;
  throw new DownbeatError("definition_invalid", {
    message: `${owner} returned a generator; write it as one itself: async function* ${"{ … }"}`,
  });
}

function tooDeep({ owner }: TaskRun): DownbeatError {
  return new DownbeatError("recursion_too_deep", {
    message: `${owner} was called ${DEEPEST} tasks deep; does it call itself without end?`,
  });
}
