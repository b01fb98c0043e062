import { DownbeatError } from "@downbeat/contract/errors";
import type { ReportItem, ReportOutcome } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { afterEach, expect, test, vi } from "vitest";
import { ReportQueue, type ReportQueueOptions } from "./report-queue.ts";

afterEach(() => vi.restoreAllMocks());

type Answer = (items: readonly ReportItem[]) => ReportOutcome["status"][];

function anItem(runId = uuidv7()): ReportItem {
  const fence = { runId, epoch: 1, leaseToken: "token" };
  const state = { type: "RUNNING", name: "Running", reason: "started", error: null } as const;
  return { kind: "transition", ...fence, transitionId: uuidv7(), ...state };
}

/** A queue to a plane that answers as told, and the calls it got. */
function aQueue(answer: Answer, options: Omit<ReportQueueOptions, "client"> = {}) {
  const calls: (readonly ReportItem[])[] = [];
  const call = async (_route: string, { body }: { body: { items: readonly ReportItem[] } }) => {
    calls.push(body.items);
    const outcomes = answer(body.items).map((status) => ({ status, state: null, waitSeconds: 0 }));
    return { outcomes };
  };
  const client = { call } as unknown as ReportQueueOptions["client"];
  return { queue: new ReportQueue({ client, ...options }), calls };
}

test("while the plane is away, or something before it answers, reports wait and then go in order", async () => {
  const failures = ["unreachable", "response_invalid", "credentials_invalid"] as const;
  let asked = 0;
  const { queue, calls } = aQueue((items) => {
    const code = failures[asked++];
    if (code !== undefined) throw new DownbeatError(code);
    return items.map(() => "accepted");
  });
  const items = [anItem(), anItem(), anItem()];
  const outcomes = await queue.put(items);
  expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "accepted", "accepted"]);
  expect(calls.at(-1)).toEqual(items);
  expect([queue.size, queue.delivered]).toEqual([0, 3]);
});

test("an item that must wait holds up no other", async () => {
  const [first, second] = [anItem(), anItem()];
  let mayStart = false;
  const { queue } = aQueue((items) =>
    items.map((item) => (item === first && !mayStart ? "wait" : "accepted")),
  );
  const waiting = queue.put([first]);
  await queue.put([second]);
  mayStart = true;
  expect(await waiting).toMatchObject([{ status: "accepted" }]);
});

test("an item that the plane never takes is found, and the others get through", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const items = Array.from({ length: 9 }, () => anItem());
  const { queue } = aQueue((batch) => {
    if (batch.some((item) => item === items[4])) throw new DownbeatError("validation_failed");
    return batch.map(() => "accepted");
  });
  const outcomes = await queue.put(items);
  expect(outcomes.map(({ status }) => status)).toEqual(
    items.map((_, at) => (at === 4 ? "rejected" : "accepted")),
  );
  expect(said).toHaveBeenCalledWith(expect.stringContaining("refused a report for good"));
});

test("when too much waits, it is full, and takes what it is given all the same", async () => {
  const { queue } = aQueue(
    () => {
      throw new DownbeatError("unreachable");
    },
    { mostCharacters: 10 },
  );
  const kept = queue.put([anItem()]);
  expect(queue.isFull).toBe(true);
  const more = queue.put([anItem()]);
  expect(queue.stop()).toBe(2);
  expect(await kept).toMatchObject([{ status: "abort" }]);
  expect(await more).toMatchObject([{ status: "abort" }]);
});
