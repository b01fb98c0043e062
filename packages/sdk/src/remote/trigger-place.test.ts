import { expect, test } from "vitest";
import { flow, task } from "../index.ts";
import { flowDefinitionOf } from "../flow-definition.ts";
import { RecordingHost } from "../testing/recording-host.ts";
import { triggerPlace } from "./trigger-place.ts";

const PARENT = "0198c0de-1234-7000-8000-000000000002";
const UUID_V7 = /^0198c0de-1234-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The ids that a flow's calls come to in a process which begins with this attempt. */
async function idsOf(body: (call: () => string) => unknown, attempt: number): Promise<string[]> {
  const ids: string[] = [];
  const called = flow({ name: "calls", retries: attempt === 1 ? 1 : 0, retryDelay: 0 }, () =>
    body(() => {
      const id = triggerPlace("other/default")?.runIdOf(PARENT, 0) ?? "";
      ids.push(id);
      return id;
    }),
  );
  await flowDefinitionOf(called)?.execute({}, new RecordingHost("calls", attempt));
  return ids;
}

test("each call has an id of its own, and the same in every attempt and process", async () => {
  const step = task({ name: "step", retries: 1, retryDelay: 0 }, async (call: () => string) => {
    const id = call();
    if (failures-- > 0) throw new Error("again");
    return id;
  });
  let failures = 0;
  const body = async (call: () => string) => {
    call();
    call();
    await Promise.all([step(call), step(call)]);
    if (failing-- > 0) throw new Error("the flow again");
  };
  let failing = 1;
  const twice = await idsOf(body, 1);
  expect(twice.slice(0, 4)).toEqual(twice.slice(4));
  expect(new Set(twice).size).toBe(4);
  for (const id of twice) expect(id).toMatch(UUID_V7);
  expect(await idsOf(body, 2)).toEqual(twice.slice(4));

  failures = 1;
  const [, , first, , again] = await idsOf(body, 3);
  expect(again).toBe(first);
});

test("outside a recorded flow there is no place", () => {
  expect(triggerPlace("other/default")).toBeUndefined();
});
