import { DownbeatError } from "@downbeat/contract/errors";
import { uuidv7 } from "uuidv7";
import { expect, test } from "vitest";
import type { RemotePlane, TriggerAnswer, TriggerRequest } from "./remote-plane.ts";
import { MOST_WAITING, SendQueue } from "./send-queue.ts";

const aTrigger = (flowName = "mail") => {
  const names = { flowName, deploymentName: "default" };
  return { request: { ...names, parameters: {}, tags: [], runId: uuidv7() }, characters: 2 };
};

function made({ runId = "", flowName, deploymentName }: TriggerRequest): TriggerAnswer {
  const state = { type: "SCHEDULED", name: "Scheduled", at: "2026-01-01T00:00:00Z" } as const;
  const rest = { startedAt: null, endedAt: null, errorClass: null };
  return { run: { runId, flowName, deploymentName, state, ...rest } };
}

/** A queue to a plane that answers as told, and the sizes of the calls it got. */
function aQueue(answer: (requests: readonly TriggerRequest[]) => readonly TriggerAnswer[]) {
  const calls: number[] = [];
  const plane: RemotePlane = {
    trigger: async (requests) => {
      calls.push(requests.length);
      return answer(requests);
    },
    read: async () => [],
  };
  return { queue: new SendQueue(async () => plane), calls };
}

test("what is asked for in one turn goes in calls of five hundred, in order", async () => {
  const seen: unknown[] = [];
  const { queue, calls } = aQueue((requests) => {
    seen.push(...requests.map(({ runId }) => runId));
    return requests.map(made);
  });
  const triggers = Array.from({ length: 1_201 }, () => aTrigger());
  await Promise.all(triggers.map((trigger) => queue.add(trigger)));
  expect(calls).toEqual([500, 500, 201]);
  expect(seen).toEqual(triggers.map(({ request }) => request.runId));
  expect(queue.size).toBe(0);
});

test("while the plane is away everything waits, and goes when it is back", async () => {
  let failures = 3;
  const { queue, calls } = aQueue((requests) => {
    if (failures-- > 0) throw new DownbeatError("unreachable");
    return requests.map(made);
  });
  queue.hurry();
  await Promise.all([queue.add(aTrigger()), queue.add(aTrigger())]);
  expect(calls).toEqual([2, 2, 2, 2]);
});

test("a refused run is told so, and the others of its call get through", async () => {
  const refusal = { code: "flow_not_found", message: "no such flow" };
  const { queue } = aQueue((requests) =>
    requests.map((one) => (one.flowName === "nothing" ? { refusal } : made(one))),
  );
  const sent = [queue.add(aTrigger()), queue.add(aTrigger("nothing")), queue.add(aTrigger())];
  const settled = await Promise.allSettled(sent);
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(sent[1]).rejects.toMatchObject({ code: "flow_not_found" });
});

test("a call refused as a whole is taken apart until only the culprit fails", async () => {
  const { queue } = aQueue((requests) => {
    if (requests.some(({ flowName }) => flowName === "odd"))
      throw new DownbeatError("validation_failed");
    return requests.map(made);
  });
  const triggers = Array.from({ length: 9 }, (_, at) => aTrigger(at === 4 ? "odd" : "mail"));
  const settled = await Promise.allSettled(triggers.map((trigger) => queue.add(trigger)));
  const failed = settled.flatMap(({ status }, at) => (status === "rejected" ? [at] : []));
  expect(failed).toEqual([4]);
});

test("a full queue refuses at once instead of growing", async () => {
  const { queue } = aQueue((requests) => requests.map(made));
  const first = Array.from({ length: MOST_WAITING }, () => queue.add(aTrigger()));
  expect(() => queue.add(aTrigger())).toThrow(`${MOST_WAITING} runs`);
  await Promise.all(first);
  await queue.add(aTrigger());
});
