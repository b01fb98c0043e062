import { randomUUID } from "node:crypto";
import {
  appendLogChunks,
  appendLogManifests,
  listLogChunks,
  listLogManifests,
  listTaskRuns,
  readRun,
  readRuns,
  storeDataKeys,
  type TaskRunRow,
  upsertTaskRuns,
} from "@downbeat/db";
import { createDatabase, describeEachDatabase } from "@downbeat/testkit";
import { describe, expect, it } from "vitest";
import { aBlob, aTaskRun, aWorkspace, moveRuns, someRuns } from "./db-fixture.ts";
import { migrateAgain } from "./migrate-again.ts";

describe("task runs that were recorded before they were counted", () => {
  it("are counted by the upgrade", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    const runIds = await someRuns(fixture, 2);
    const rows = [0, 1, 2].map((index) => aTaskRun({ runId: runIds[0] ?? "", index }));
    await fixture.inside((tx) => upsertTaskRuns(tx, rows));
    const url = made.place.options.url ?? "";
    await migrateAgain(url, {
      migration: "0032",
      undo: "drop table task_run_count; alter table task_run drop column revision",
    });
    const counted = await fixture.inside((tx) => readRuns(tx, runIds));
    expect(runIds.map((runId) => counted.get(runId)?.taskRunCount)).toEqual([3, 0]);
    await made.drop();
  });
});

describeEachDatabase("what agents report", ({ database }) => {
  it("keeps the newest state of a task run, in whatever order reports come", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const report = (...rows: TaskRunRow[]) => fixture.inside((tx) => upsertTaskRuns(tx, rows));
    const early = aTaskRun({ runId, index: 2 });
    await report(
      { ...early, sequence: 3, type: "COMPLETED", name: "Completed" },
      { ...early, sequence: 1 },
    );
    await report({ ...early, sequence: 2 });
    await report(
      { ...aTaskRun({ runId, index: 1 }), upstream: [early.taskRunId] },
      { ...aTaskRun({ runId, index: 0 }), startedAt: null },
    );
    const first = await fixture.inside((tx) => listTaskRuns(tx, { runId, limit: 2 }));
    const rest = await fixture.inside((tx) =>
      listTaskRuns(tx, { runId, limit: 2, cursor: first.nextCursor ?? "" }),
    );
    const all = [...first.items, ...rest.items];
    expect(all.map(({ index }) => index)).toEqual([1, 2, 0]);
    expect(all[0]?.upstream).toEqual([early.taskRunId]);
    expect(all[1]?.state.type).toBe("COMPLETED");
    expect((await fixture.inside((tx) => readRun(tx, runId)))?.taskRunCount).toBe(3);
  });

  it("counts a run's task runs once each, whoever reports them at the same time", async () => {
    const fixture = await aWorkspace(database());
    const runIds = await someRuns(fixture, 2);
    const rows = runIds.flatMap((runId) => [0, 1, 2].map((index) => aTaskRun({ runId, index })));
    const reports = [rows, rows.slice(0, 4), rows.toReversed(), rows.slice(2)];
    await Promise.all(reports.map((report) => fixture.inside((tx) => upsertTaskRuns(tx, report))));
    const later = rows.map((row) => ({ ...row, sequence: row.sequence + 1 }));
    const another = aTaskRun({ runId: runIds[0] ?? "", index: 3 });
    await fixture.inside((tx) => upsertTaskRuns(tx, [...later, another]));
    const counted = await fixture.inside((tx) => readRuns(tx, runIds));
    expect(runIds.map((runId) => counted.get(runId)?.taskRunCount)).toEqual([4, 3]);
  });

  it("stores a log chunk once and pages by epoch and sequence, with the keys the chunks name", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const key = { id: randomUUID(), wrap: "{}", wrapTag: null };
    expect(await fixture.inside((tx) => storeDataKeys(tx, [key, key]))).toBe(1);
    expect(await fixture.inside((tx) => storeDataKeys(tx, [key]))).toBe(0);
    const chunk = (epoch: number, sequence: number) => ({
      runId,
      epoch,
      sequence,
      lineCount: 2,
      chunk: aBlob("log", key.id),
    });
    const append = (...rows: ReturnType<typeof chunk>[]) =>
      fixture.inside((tx) => appendLogChunks(tx, rows));
    expect(await append(chunk(1, 1), chunk(1, 0), chunk(1, 1))).toBe(2);
    expect(await append(chunk(1, 1), chunk(2, 0))).toBe(1);
    const read = (after?: string) =>
      fixture.inside((tx) => listLogChunks(tx, { runId, after, limit: 2 }));
    const first = await read();
    expect(first?.items.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(first).toMatchObject({ nextAfter: "1.1", complete: false, dataKeys: [key] });
    expect(await read("1.1")).toMatchObject({ nextAfter: "2.0", complete: false });
    expect(await read("2.0")).toMatchObject({
      items: [],
      nextAfter: "2.0",
      complete: false,
      dataKeys: [],
    });
    await moveRuns(fixture, [runId], [["CANCELLED", "Cancelled", "cancelled_before_start"]]);
    expect(await read("2.0")).toMatchObject({ items: [], complete: true });
    expect(
      await fixture.inside((tx) => listLogChunks(tx, { runId: randomUUID(), limit: 2 })),
    ).toBeUndefined();
  });

  it("stores a part of a log manifest once and pages by epoch and part, with the keys they name", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const key = { id: randomUUID(), wrap: "{}", wrapTag: null };
    await fixture.inside((tx) => storeDataKeys(tx, [key]));
    const blob = aBlob("log-manifest", key.id);
    const part = (epoch: number, number: number) => ({
      runId,
      epoch,
      part: number,
      manifest: blob,
    });
    const append = (...rows: ReturnType<typeof part>[]) =>
      fixture.inside((tx) => appendLogManifests(tx, rows));
    expect(await append(part(1, 1), part(1, 0), part(1, 1))).toBe(2);
    expect(await append(part(1, 1), part(2, 0))).toBe(1);
    const read = (after?: string) =>
      fixture.inside((tx) => listLogManifests(tx, { runId, after, limit: 2 }));
    expect(await read()).toEqual({
      items: [
        { epoch: 1, part: 0, manifest: blob },
        { epoch: 1, part: 1, manifest: blob },
      ],
      nextAfter: "1.1",
      dataKeys: [key],
    });
    expect(await read("1.1")).toMatchObject({ items: [{ epoch: 2, part: 0 }], nextAfter: null });
  });
});
