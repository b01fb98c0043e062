import { expect, test, vi } from "vitest";
import { RunCancelled, RunLost, TimeoutError } from "./errors.ts";
import { FLOW } from "./flow-definition.ts";
import { withTimers } from "./frame.ts";
import { flow, log, pause, runContext, suspend, task } from "./index.ts";
import type { Hook, HookEvent } from "./index.ts";
import { ManualTimers } from "./testing/manual-timers.ts";
import { RecordingHost } from "./testing/recording-host.ts";

/** Hooks for every state, and the states they were called for. */
function watching() {
  const seen: string[] = [];
  const hook: Hook = ({ noun, name, state, attempt, error }: HookEvent) =>
    seen.push(
      `${noun} ${name} ${state.name}#${attempt}${error instanceof Error ? `: ${error.message}` : ""}`,
    );
  const hooks = {
    onRunning: hook,
    onRetrying: hook,
    onCompleted: [hook],
    onFailed: hook,
    onCancelled: hook,
  };
  return { seen, hooks };
}

test("hooks of flow and task hear of every state, in order", async () => {
  const { seen, hooks } = watching();
  let failures = 1;
  const step = task({ name: "step", retries: 1, retryDelay: 0, ...hooks }, async () => {
    if (failures-- > 0) throw new Error("once");
  });
  const whole = flow({ name: "whole", ...hooks }, async () => step());
  await whole();
  expect(seen).toEqual([
    "flow whole Running#1",
    "task step Running#1",
    "task step AwaitingRetry#1: once",
    "task step Retrying#2",
    "task step Completed#2",
    "flow whole Completed#1",
  ]);
});

test("failing, being retried and being cancelled each call their hook of the flow", async () => {
  const { seen, hooks } = watching();
  const failing = flow({ name: "failing", retries: 1, retryDelay: 0, ...hooks }, async () => {
    throw new Error("no");
  });
  await expect(failing()).rejects.toThrow("no");
  expect(seen).toEqual([
    "flow failing Running#1",
    "flow failing AwaitingRetry#1: no",
    "flow failing Running#2",
    "flow failing Failed#2: no",
  ]);
  const host = new RecordingHost("cancelled");
  const cancelled = flow({ name: "cancelled", onCancelled: hooks.onCancelled }, async () =>
    host.controller.abort(),
  );
  await cancelled[FLOW].execute({}, host);
  expect(seen.at(-1)).toBe("flow cancelled Cancelled#1");
});

test("a task that waits calls onPending for what it depends on, onAwaitingSlot for its turn", async () => {
  const { seen, hooks } = watching();
  const waits = { onPending: hooks.onRunning, onAwaitingSlot: hooks.onRunning };
  const first = task({ name: "first" }, async () => 1);
  const next = task({ name: "next", ...waits }, async (n: number) => n);
  const queued = flow({ name: "queued", concurrency: 1 }, async () => {
    await next(first.submit() as never);
    await Promise.all([next(1), next(2)]);
  });
  await queued[FLOW].execute({}, new RecordingHost("queued"));
  expect(seen).toEqual(["task next Pending#1", "task next AwaitingConcurrencySlot#1"]);
  // @ts-expect-error no task is paused, cancelled by someone or crashed by itself
  task({ name: "wrong", onPaused: hooks.onRunning }, async () => undefined);
  // @ts-expect-error the run of a flow waits for no other
  flow({ name: "wrong", onPending: hooks.onRunning }, async () => undefined);
});

test("a run that waits for a person calls onPaused, and is suspended only after its hooks", async () => {
  const seen: (string | undefined)[] = [];
  const onPaused: Hook = async ({ state, pauseKey }) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${state.name} at ${pauseKey}`);
  };
  const host = Object.assign(new RecordingHost("asks"), {
    pause: async () => null,
    suspend: () => seen.push("gone"),
  });
  const asks = flow({ name: "asks", onPaused }, async () => {
    await pause({ key: "first" });
    await suspend({ key: "second" });
  });
  void asks[FLOW].execute({}, host);
  await vi.waitUntil(() => seen.includes("gone"));
  expect(seen).toEqual(["Paused at first", "Suspended at second", "gone"]);
});

test("a run that is asked to stop calls onCancelling, in the run, and onCancelled when it has", async () => {
  const { seen, hooks } = watching();
  const host = new RecordingHost("stops");
  const onCancelling: Hook = ({ state }) => log.info(state.name);
  const options = { onCancelling: [hooks.onRunning, onCancelling], onCancelled: hooks.onRunning };
  const stops = flow({ name: "stops", ...options }, async () => {
    host.controller.abort(new RunCancelled("flow"));
    await new Promise((resolve) => setImmediate(resolve));
    seen.push("heeds it");
  });
  await stops[FLOW].execute({}, host);
  expect(seen).toEqual(["flow stops Cancelling#1", "heeds it", "flow stops Cancelled#1"]);
  expect(host.logs[0]?.text).toBe("Cancelling");
});

test("a run stopped at its host's time limit has failed: it was not cancelled", async () => {
  const { seen, hooks } = watching();
  const host = new RecordingHost("late");
  const late = flow({ name: "late", ...hooks, onCancelling: hooks.onRunning }, async () => {
    host.controller.abort(new TimeoutError('flow "late"', 1_000, 1));
    throw runContext().signal.reason;
  });
  const outcome = await late[FLOW].execute({}, host);
  expect(outcome).toMatchObject({ outcome: "failed", stateName: "TimedOut" });
  expect(seen).toEqual([
    "flow late Running#1",
    'flow late TimedOut#1: flow "late" took longer than its timeoutMs of 1000 (attempt 1)',
  ]);
});

test("a run that this process has lost calls no more hooks", async () => {
  const { seen, hooks } = watching();
  const host = new RecordingHost("lost");
  const lost = flow({ name: "lost", ...hooks, onCancelling: hooks.onRunning }, async () =>
    host.controller.abort(new RunLost('flow "lost"')),
  );
  await lost[FLOW].execute({}, host);
  expect(seen).toEqual(["flow lost Running#1"]);
});

test("a flow has a way to call its onCrashed hooks when it has any", async () => {
  const { seen, hooks } = watching();
  const host = new RecordingHost("crashes", 2);
  const bad: Hook = () => {
    throw new Error("bad hook");
  };
  const crashes = flow({ name: "crashes", onCrashed: [hooks.onRunning, bad] }, () => {
    throw new Error("not to be called");
  });
  await crashes[FLOW].crashed?.({ class: "OutOfMemory", message: "too much" }, host);
  expect(seen).toEqual(["flow crashes Crashed#2: too much"]);
  expect(host.logs.map(({ text }) => text)).toEqual([
    'the hook of flow "crashes" for Crashed failed',
  ]);
  expect(flow({ name: "quiet", ...hooks }, async () => undefined)[FLOW].crashed).toBeUndefined();
});

test("a task whose upstream failed calls onFailed", async () => {
  const { seen, hooks } = watching();
  const after = [Promise.reject(new Error("gone"))];
  const late = task({ name: "late", onFailed: hooks.onFailed }, async () => undefined);
  await expect(late.with({ after })()).rejects.toThrow("a promise it waits for did not complete");
  expect(seen).toEqual([
    'task late UpstreamFailed#1: task "late" did not run: a promise it waits for did not complete',
  ]);
});

test("the call settles after its hooks; one that throws is logged and changes nothing", async () => {
  const host = new RecordingHost("hooked");
  let isTold = false;
  const step = task(
    {
      name: "step",
      onRunning: () => {
        throw new Error("bad hook");
      },
      onCompleted: [
        async () => {
          await new Promise((resolve) => setImmediate(resolve));
          isTold = true;
        },
        () => Promise.reject(new Error("worse")),
      ],
    },
    async () => 7,
  );
  const hooked = flow({ name: "hooked" }, async () => {
    expect(await step()).toBe(7);
    expect(isTold).toBe(true);
  });
  expect(await hooked[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(host.logs.map(({ level, text }) => [level, text])).toEqual([
    ["warn", 'the hook of task "step" for Running failed'],
    ["warn", 'the hook of task "step" for Completed failed'],
  ]);
});

test("a hook that never ends holds its call for thirty seconds and no longer", async () => {
  const timers = new ManualTimers();
  const startedAt = timers.now();
  const stuck = task({ name: "stuck", onCompleted: () => new Promise(() => {}) }, async () => 1);
  const host = new RecordingHost("patient");
  const patient = flow({ name: "patient" }, () => stuck());
  const outcome = await timers.settle(withTimers(timers, () => patient[FLOW].execute({}, host)));
  expect(outcome).toEqual({ outcome: "completed" });
  expect(timers.now() - startedAt).toBe(30_000);
  expect(host.logs[0]?.text).toContain("takes longer than 30000 ms; nothing waits for it");
});

test("a flow's hooks write to its log", async () => {
  const host = new RecordingHost("speaking");
  const speaking = flow(
    { name: "speaking", onCompleted: () => log.info("all done") },
    async () => undefined,
  );
  await speaking[FLOW].execute({}, host);
  expect(host.logs).toMatchObject([{ text: "all done", logger: "speaking" }]);
});
