import type { Lease, ReportItem } from "@downbeat/contract";
import { blindTag, createKeyset, createOpener, openKeyring } from "@downbeat/seal";
import { pino } from "pino";
import { expect, test } from "vitest";
import { RunEgress, type EgressParts } from "./egress.ts";
import { Sealer } from "./sealer.ts";

const LEASE = {
  runId: "0198c0de-0000-7000-8000-000000000002",
  epoch: 3,
  leaseToken: "ab".repeat(16),
} as Lease;
const POINTER = { location: "file:///home/ann/.downbeat/cache/hush", serializer: "json", bytes: 7 };

test("where results are and cache keys leave the agent sealed, bound to run and attempt, or as a blind tag", async () => {
  const workspaceId = "0198c0de-0000-7000-8000-00000000000a";
  const keyring = await openKeyring(await createKeyset({ workspaceId, now: new Date(0) }));
  const sealer = await Sealer.create(keyring);
  const items: ReportItem[] = [];
  const outbox = { put: async (put: ReportItem[]) => void items.push(...put), isFull: false };
  const egress = new RunEgress(
    {
      sealer,
      outbox: outbox as unknown as EgressParts["outbox"],
      journal: { runEnded: () => ({}) } as unknown as EgressParts["journal"],
      logger: pino({ enabled: false }),
      now: () => new Date(0),
    },
    LEASE,
  );
  egress.events([
    {
      kind: "task_run",
      taskRunId: "0198c0de-0000-7000-8000-000000000003",
      taskName: "count",
      index: 0,
      sequence: 1,
      state: { type: "COMPLETED", name: "Completed", at: "2026-01-01T00:00:00.000Z" },
      attempt: 1,
      upstream: [],
      result: POINTER,
      cacheKey: "hush-digest",
    },
  ]);
  await egress.end({
    type: "COMPLETED",
    name: "Completed",
    reason: "completed",
    result: POINTER,
  });
  const taskRun = items.find(({ kind }) => kind === "task_run");
  const end = items.find(({ kind }) => kind === "transition");
  if (taskRun?.kind !== "task_run" || end?.kind !== "transition") throw new Error("not reported");
  expect(JSON.stringify(items)).not.toMatch(/hush|ann|file:/);
  expect(taskRun.cacheTag).toBe(await blindTag(keyring, "cache-key", "hush-digest"));
  const opener = createOpener(keyring, { fetchDataKeys: async () => [sealer.wrappedDataKey] });
  const place = { kind: "result", run: LEASE.runId, epoch: LEASE.epoch } as const;
  const ofTask = { ...place, task: taskRun.taskRunId };
  expect(await opener.open(String(taskRun.result), ofTask)).toEqual(POINTER);
  expect(await opener.open(String(end.result), place)).toEqual(POINTER);
});
