import { readSealedHeader } from "@downbeat/contract";
import {
  blindTag,
  createDataKey,
  createKeyset,
  createOpener,
  openKeyring,
  publicKeyOf,
} from "@downbeat/seal";
import { expect, test } from "vitest";
import type { TaskRunEvent } from "../run-host.ts";
import { ReportItems } from "./report-items.ts";

const LEASE = {
  runId: "0198c0de-0000-7000-8000-000000000002",
  epoch: 3,
  leaseToken: "ab".repeat(16),
};
const POINTER = { location: "file:///home/ann/.downbeat/cache/hush", serializer: "json", bytes: 7 };
const EVENT: TaskRunEvent = {
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
};

test("where results are and cache keys leave sealed, bound to run and attempt, or as a blind tag", async () => {
  const workspaceId = "0198c0de-0000-7000-8000-00000000000a";
  const keyring = await openKeyring(await createKeyset({ workspaceId, now: new Date(0) }));
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyring)], keyring });
  const items = new ReportItems({
    lease: LEASE,
    sealer: { full: { dataKey, keyring } },
    compressLogs: true,
  });
  const [taskRun] = await items.of([EVENT]);
  const end = (await items.end({ outcome: "completed", result: POINTER })).at(-1);
  if (taskRun?.kind !== "task_run" || end?.kind !== "transition") throw new Error("not reported");
  expect(JSON.stringify([taskRun, end])).not.toMatch(/hush|ann|file:/);
  expect(taskRun.cacheTag).toBe(await blindTag(keyring, "cache-key", "hush-digest"));
  const opener = createOpener(keyring, { fetchDataKeys: async () => [dataKey.wrapped] });
  const place = { kind: "result", run: LEASE.runId, epoch: LEASE.epoch } as const;
  const ofTask = { ...place, task: taskRun.taskRunId };
  expect(await opener.open(String(taskRun.result), ofTask)).toEqual(POINTER);
  expect(await opener.open(String(end.result), place)).toEqual(POINTER);
  const elsewhere = { ...place, epoch: 4 };
  await expect(opener.open(String(end.result), elsewhere)).rejects.toMatchObject({
    name: "SealError",
  });
});

test("without the workspace key neither leaves at all", async () => {
  const [item] = await new ReportItems({
    lease: LEASE,
    sealer: { full: undefined },
    compressLogs: true,
  }).of([EVENT]);
  expect(item).toMatchObject({ result: null, cacheTag: null });
});

test("once the data key is another, what comes from then on is sealed with that", async () => {
  const workspaceId = "0198c0de-0000-7000-8000-00000000000a";
  const keyring = await openKeyring(await createKeyset({ workspaceId, now: new Date(0) }));
  const aDataKey = () => createDataKey({ recipients: [publicKeyOf(keyring)], keyring });
  const sealer = { full: { dataKey: await aDataKey(), keyring } };
  const items = new ReportItems({ lease: LEASE, sealer, compressLogs: true });
  sealer.full = { dataKey: await aDataKey(), keyring };
  const at = "2026-01-01T00:00:00.000Z";
  const sealed = await items.of([
    { kind: "log", at, level: "info", logger: "flow", text: "hush" },
    { kind: "artifact", at, key: "note", content: { type: "markdown", text: "hush" } },
  ]);
  const blobs = sealed.map((item) =>
    item.kind === "log" ? item.chunk : item.kind === "artifact" ? item.detail : "",
  );
  expect(blobs.map((blob) => readSealedHeader(blob)?.kid)).toEqual([
    sealer.full.dataKey.wrapped.id,
    sealer.full.dataKey.wrapped.id,
  ]);
});
