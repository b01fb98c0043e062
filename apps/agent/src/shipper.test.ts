import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import {
  BATCH_LIMIT,
  DownbeatError,
  type Lease,
  type ReportItem,
  type ReportOutcome,
  type Sealed,
} from "@downbeat/contract";
import { createDataKey, createKeyset, publicKeyOf, sealJson } from "@downbeat/seal";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakePlane } from "./fake-plane.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { Outbox } from "./outbox.ts";
import { PlaneWatch } from "./plane-watch.ts";
import { Shipper } from "./shipper.ts";
import { Store } from "./store.ts";

const WORKSPACE_ID = randomUUID();
const logger = pino({ level: "silent" });
const FAST = { firstMs: 1, maxMs: 20 };

let plane: FakePlane;
let client: Client;
let store: Store;
let outbox: Outbox;
let shipper: Shipper;
let outcomes: { runId: string; status: ReportOutcome["status"] }[];
let entrypoint: Sealed<"entrypoint">;

beforeEach(async () => {
  const keyset = await createKeyset({ workspaceId: WORKSPACE_ID, now: new Date() });
  const key = publicKeyOf(keyset);
  entrypoint = await sealJson(
    await createDataKey({ recipients: [key] }),
    { kind: "entrypoint" },
    {},
  );
  plane = await FakePlane.start({ workspaceId: WORKSPACE_ID, key });
  client = createClient({ apiUrl: plane.url, apiKey: "dnb_test" });
  store = await Store.open(mkdtempSync(join(tmpdir(), "downbeat-shipper-")), (error) => {
    throw error;
  });
  outbox = await Outbox.open({ store, maxBytes: 1e9 });
  outcomes = [];
  shipper = new Shipper({
    client,
    outbox,
    logger,
    watch: new PlaneWatch(logger),
    backoff: FAST,
    setAsideMs: 5,
    onOutcome: ({ item }, { status }) => outcomes.push({ runId: item.runId, status }),
  });
});

afterEach(async () => {
  await shipper.stop();
  plane.close();
  await client.close();
  await store.close();
});

function aRun(): FakeRun {
  return plane.offer({ flowName: "f", entrypoint, defaultParameters: null, parameters: null });
}

function transition(
  lease: Lease,
  over: Partial<Extract<ReportItem, { kind: "transition" }>> = {},
): ReportItem {
  const { runId, epoch, leaseToken } = lease;
  const fence = { runId, epoch, leaseToken };
  return {
    kind: "transition",
    ...fence,
    transitionId: randomUUID(),
    type: "RUNNING",
    name: "Running",
    reason: "started",
    error: null,
    ...over,
  };
}

function taskRun({ runId, epoch, leaseToken }: Lease, index: number): ReportItem {
  const at = "2026-01-02T03:04:05.000Z";
  return {
    kind: "task_run",
    runId,
    epoch,
    leaseToken,
    taskRunId: randomUUID(),
    taskName: "step",
    index,
    sequence: 1,
    type: "COMPLETED",
    name: "Completed",
    at,
    attempt: 1,
    startedAt: at,
    endedAt: at,
    upstream: [],
    renderedName: null,
    error: null,
    result: null,
    cacheTag: null,
  };
}

const drained = () => vi.waitUntil(() => outbox.size === 0, { timeout: 10_000 });

test("everything arrives once and in order, whatever requests and responses get lost", async () => {
  // Of nine reports three never arrive, two arrive without their answer, one is refused for now.
  plane.behave = (name, count) =>
    name !== "report"
      ? "answer"
      : ((["drop-request", "drop-response", "fail", "answer", "answer"] as const)[count % 5] ??
        "answer");
  shipper.start();
  const runs = Array.from({ length: 30 }, aRun);
  for (const { lease } of runs) {
    await outbox.put([transition(lease)]);
    await outbox.put([transition(lease, { name: "Retrying", reason: "retrying" })]);
    await outbox.put([
      transition(lease, { type: "COMPLETED", name: "Completed", reason: "completed" }),
    ]);
  }
  await drained();
  for (const run of runs)
    expect(run.transitions.map(({ name }) => name)).toEqual(["Running", "Retrying", "Completed"]);
  expect(plane.accepted).toHaveLength(90);
  expect(outcomes.filter(({ status }) => status === "accepted")).toHaveLength(90);
  expect(shipper.delivered).toBe(90);
});

test("while the plane is away the outbox grows; when it is back all arrives", async () => {
  let isAway = true;
  plane.behave = () => (isAway ? "drop-request" : "answer");
  shipper.start();
  const runs = Array.from({ length: 1_200 }, aRun);
  await outbox.put(runs.map(({ lease }) => transition(lease)));
  await vi.waitUntil(() => plane.calls.length === 0 && outbox.size === 1_200);
  isAway = false;
  await drained();
  expect(plane.accepted.map(({ runId }) => runId)).toEqual(runs.map(({ lease }) => lease.runId));
  expect(plane.bodies("report").map((body) => (body["items"] as unknown[]).length)).toEqual([
    500, 500, 200,
  ]);
});

test("an item that the plane will never take does not stop the others", async () => {
  const [first, second] = [aRun(), aRun()];
  const poison = transition(first.lease, { name: "NoSuchName" as never });
  await outbox.put([transition(first.lease), poison, transition(second.lease)]);
  shipper.start();
  await drained();
  expect(plane.accepted.map(({ runId }) => runId)).toEqual([first.lease.runId, second.lease.runId]);
  expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "rejected", "accepted"]);
});

test("an item that the plane fails on holds up neither other runs nor what follows it, and goes when the plane can take it", async () => {
  const [first, second] = [aRun(), aRun()];
  const poison = { ...taskRun(first.lease, 0), taskRunId: randomUUID() } as ReportItem & {
    taskRunId: string;
  };
  plane.failsOn = (item) => item.kind === "task_run" && item.taskRunId === poison.taskRunId;
  const end = { type: "COMPLETED", name: "Completed", reason: "completed" } as const;
  await outbox.put([transition(first.lease), poison, transition(first.lease, end)]);
  await outbox.put([transition(second.lease)]);
  shipper.start();
  await outbox.whenEmpty(AbortSignal.timeout(10_000));
  expect(outbox.size).toBe(1);
  expect([first.type, second.type]).toEqual(["COMPLETED", "RUNNING"]);
  const later = aRun();
  await outbox.put([transition(later.lease)]);
  await vi.waitUntil(() => later.type === "RUNNING", { timeout: 10_000 });
  plane.failsOn = () => false;
  await drained();
  expect(first.taskRuns).toHaveLength(1);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill("accepted"));
});

test("while the plane fails on everything, nothing is set aside: all arrives in order when it works again", async () => {
  let isBroken = true;
  plane.failsOn = () => {
    // Until single items are suspected, and tried, and nothing but the whole is waited for again.
    const sizes = plane.bodies("report").map((body) => (body["items"] as unknown[]).length);
    if (sizes.includes(1) && sizes.at(-1) === 30) isBroken = false;
    return isBroken;
  };
  const runs = Array.from({ length: 15 }, aRun);
  await outbox.put(
    runs.flatMap(({ lease }) => [
      transition(lease),
      transition(lease, { name: "Retrying", reason: "retrying" }),
    ]),
  );
  shipper.start();
  await drained();
  for (const run of runs)
    expect(run.transitions.map(({ name }) => name)).toEqual(["Running", "Retrying"]);
  expect(outcomes).toHaveLength(30);
});

test("a proxy that takes small requests only is no end", async () => {
  const runs = Array.from({ length: 20 }, aRun);
  const call = client.call.bind(client);
  vi.spyOn(client, "call").mockImplementation((async (name: "report", input: never, options) => {
    const { items } = (input as { body: { items: unknown[] } }).body;
    if (name === "report" && items.length > 3) throw new DownbeatError("response_invalid");
    return call(name, input, options);
  }) as typeof client.call);
  await outbox.put(runs.map(({ lease }) => transition(lease)));
  shipper.start();
  await drained();
  expect(runs.every(({ type }) => type === "RUNNING")).toBe(true);
});

test("a fenced item is final and reported as such", async () => {
  const run = aRun();
  await outbox.put([transition({ ...run.lease, leaseToken: "f".repeat(32) })]);
  shipper.start();
  await drained();
  expect(outcomes).toEqual([{ runId: run.lease.runId, status: "fenced" }]);
  expect(run.transitions).toEqual([]);
});

test("refused credentials do not lose reports: they go once the credentials are valid again", async () => {
  const run = aRun();
  const call = vi.spyOn(client, "call");
  plane.behave = (name) => (name === "exchangeToken" ? "fail" : "answer");
  await outbox.put([transition(run.lease)]);
  shipper.start();
  await vi.waitUntil(() => call.mock.calls.length >= 1 && plane.calls.length === 0);
  expect(outbox.size).toBe(1);
  plane.behave = () => "answer";
  await drained();
  expect(run.type).toBe("RUNNING");
});

test("task runs may overtake each other, so a full batch of them does not wait for the one before; the end waits for all", async () => {
  const { lease } = aRun();
  const answers: (() => void)[] = [];
  const sent: ReportItem[][] = [];
  const slow = {
    call: async (_: "report", { body }: { body: { items: ReportItem[] } }) => {
      sent.push(body.items);
      await new Promise<void>((resolve) => answers.push(resolve));
      return { outcomes: body.items.map(() => ({ status: "accepted", state: null })) };
    },
  };
  const watch = new PlaneWatch(logger);
  const options = { client: slow as never, outbox, logger, watch, onOutcome: () => {} };
  const many = Array.from({ length: 4 * BATCH_LIMIT }, (_, index) => taskRun(lease, index));
  await outbox.put(many);
  await outbox.put([transition(lease, { type: "COMPLETED", name: "Completed" })]);
  shipper = new Shipper(options);
  shipper.start();
  await vi.waitFor(() => expect(sent).toHaveLength(3));
  answers[1]?.();
  await vi.waitFor(() => expect(sent).toHaveLength(4));
  expect(outbox.size).toBe(3 * BATCH_LIMIT + 1);
  for (const at of [2, 3]) answers[at]?.();
  await vi.waitFor(() => expect(outbox.size).toBe(BATCH_LIMIT + 1));
  expect(sent).toHaveLength(4);
  answers[0]?.();
  await vi.waitFor(() => expect(sent).toHaveLength(5));
  const full = BATCH_LIMIT;
  expect(sent.map(({ length }) => length)).toEqual([full, full, full, full, 1]);
  answers[4]?.();
  await vi.waitFor(() => expect(outbox.size).toBe(0));
  expect(new Set(sent.flat().map((item) => JSON.stringify(item))).size).toBe(4 * BATCH_LIMIT + 1);
});
