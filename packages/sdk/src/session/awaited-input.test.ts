import type { PausePoint, RunInput } from "@downbeat/contract";
import { expect, test } from "vitest";
import { AwaitedInput } from "./awaited-input.ts";

const POINT = { key: "go", timeoutSeconds: null, onTimeout: "fail" } as const;

/** A run that waits, what it reported and told, and a clock; `refusal` is why nothing counts that is given to it. */
function aWaitingRun(refusal: string | undefined, point: AwaitedOf = POINT) {
  const reported: unknown[] = [];
  const told: string[] = [];
  const clock = { nowMs: 0 };
  const awaited = new AwaitedInput<AwaitedOf>({
    runId: "r",
    signedInputs: { refusalOf: async () => refusal },
    report: ({ key, timeoutSeconds }, reason) => reported.push([key, timeoutSeconds, reason]),
    tell: (text) => told.push(text),
    nowMs: () => clock.nowMs,
  });
  awaited.paused(point);
  return { awaited, reported, told, clock };
}

type AwaitedOf = Pick<PausePoint, "key" | "onTimeout" | "timeoutSeconds">;

const given = (at: number, over: Partial<RunInput> = {}): RunInput => ({
  key: "go",
  input: "sealed" as RunInput["input"],
  signature: null,
  givenAt: new Date(at).toISOString(),
  ...over,
});

test("what counts is taken once", async () => {
  const { awaited, reported } = aWaitingRun(undefined);
  expect(awaited.key).toBe("go");
  expect(await awaited.take(given(1, { key: "other" }))).toBe(false);
  expect(await awaited.take(given(1))).toBe(true);
  expect(await awaited.take(given(1))).toBe(false);
  expect(awaited.key).toBeUndefined();
  expect(reported).toEqual([["go", null, "pause_requested"]]);
});

test("what is refused leaves it waiting, and is told and reported each time it is given anew", async () => {
  const { awaited, reported, told } = aWaitingRun("It is not signed.");
  const twice = await Promise.all([awaited.take(given(1)), awaited.take(given(1))]);
  expect(twice).toEqual([false, false]);
  expect(await awaited.take(given(1))).toBe(false);
  expect(awaited.key).toBe("go");
  expect(told).toEqual([expect.stringContaining('"go" does not count. It is not signed.')]);
  expect(await awaited.take(given(2))).toBe(false);
  expect(told).toHaveLength(2);
  expect(reported.slice(1)).toEqual([1, 2].map(() => ["go", null, "input_refused"]));
});

test("a refusal does not give it more time", async () => {
  const limited = { ...POINT, timeoutSeconds: 60 };
  const { awaited, reported, clock } = aWaitingRun("It is not signed.", limited);
  clock.nowMs = 20_500;
  await awaited.take(given(1));
  clock.nowMs = 90_000;
  await awaited.take(given(2));
  expect(reported.slice(1)).toEqual([
    ["go", 40, "input_refused"],
    ["go", 1, "input_refused"],
  ]);
});

test("nobody's answer counts where the flow goes on without one, once its time is up here too", async () => {
  const nobodys = (at: number) => given(at, { input: null });
  const lapsing = { ...POINT, timeoutSeconds: 60, onTimeout: "resume" } as const;
  const patient = aWaitingRun("It is not signed.", lapsing);
  expect(await patient.awaited.take(nobodys(1))).toBe(false);
  patient.clock.nowMs = 60_000;
  expect(await patient.awaited.take(nobodys(2))).toBe(true);
  const strict = aWaitingRun("It is not signed.", { ...POINT, timeoutSeconds: 60 });
  strict.clock.nowMs = 60_000;
  expect(await strict.awaited.take(nobodys(1))).toBe(false);
});

test("what came with the lease and does not count is the reason why it waits again", async () => {
  const { awaited, reported, told } = aWaitingRun("It is not signed.");
  const refused = [{ ...given(1), why: "It is signed by nobody listed." }];
  awaited.screened({ refused, lapsed: [given(1, { key: "later", input: null })] });
  awaited.paused(POINT);
  expect(await awaited.take(given(1))).toBe(false);
  expect(reported.at(-1)).toEqual(["go", null, "input_refused"]);
  expect(reported).toHaveLength(2);
  expect(told).toHaveLength(1);
  expect(awaited.reasonAt("later", "suspend_requested")).toBe("input_refused");
  expect(awaited.reasonAt("other", "suspend_requested")).toBe("suspend_requested");
  expect(told).toHaveLength(2);
});
