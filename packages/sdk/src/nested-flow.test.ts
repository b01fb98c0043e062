import { expect, test } from "vitest";
import { z } from "zod";
import { FLOW } from "./flow-definition.ts";
import { flow, task } from "./index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const nested = flow(
  { name: "nested", parameters: z.object({ days: z.array(z.string()), year: z.int() }) },
  async () => undefined,
);

test("a flow with a schema takes one argument; more are refused by number", async () => {
  const call = nested as unknown as (...args: unknown[]) => Promise<unknown>;
  await expect(call({ days: [], year: 1 }, 2)).rejects.toThrow(
    'flow "nested" refuses its parameters: the parameters: takes one object of parameters; it was called with 2 arguments',
  );
});

test("a flow may call itself; each call is one of its tasks", async () => {
  const countdown: (parameters: { n: number }) => Promise<number> = flow(
    { name: "countdown", parameters: z.object({ n: z.int() }) },
    async ({ n }) => (n === 0 ? 0 : 1 + (await countdown({ n: n - 1 }))),
  );
  expect(await countdown({ n: 5 })).toBe(5);
});

test("bad parameters of a flow inside a flow fail as one of its tasks", async () => {
  const host = new RecordingHost("outer");
  const outer = flow({ name: "outer" }, () => nested({ days: 1 } as never));
  expect(await outer[FLOW].execute({}, host)).toMatchObject({ error: { class: "ParameterError" } });
  expect(host.trail("nested")).toEqual(["Failed#1"]);
});

test("a flow inside a flow takes futures, and its own concurrency", async () => {
  let [running, most] = [0, 0];
  const step = task({ name: "step" }, async () => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return 3;
  });
  const inner = flow(
    { name: "inner", concurrency: 2, parameters: z.object({ n: z.int() }) },
    async ({ n }) => {
      await Promise.all(Array.from({ length: n + 1 }, () => step()));
    },
  );
  await flow({ name: "outer" }, async () => inner({ n: step.submit() as unknown as number }))();
  expect(most).toBe(2);
});

test.each([0, 1.5, -1])("a concurrency of %s is refused", (concurrency) => {
  expect(() => flow({ name: "x", concurrency }, () => 1)).toThrow(
    `concurrency of flow "x" is ${concurrency}; it must be a whole number from 1`,
  );
});
