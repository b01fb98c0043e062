import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import { upsertArtifacts, upsertMetrics, type ArtifactRow, type MetricRow } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { codeOf, fenceOf, startTestApi, transition, type TestApi } from "./api-harness.ts";
import type { TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, claim, report } from "./api-stage.ts";
import { aBlob } from "./db-fixture.ts";

const RECORDS_OF_RUN = [
  "listArtifacts",
  "listLogChunks",
  "listLogManifests",
  "listMetrics",
  "listTaskRuns",
] as const;

const tagOf = (key: string): string => key.padEnd(43, "_");

describeEachDatabase("what runs show", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  async function artifact(lease: Lease, key: string, sequence: number): Promise<object> {
    const { runId: run, epoch } = lease;
    const detail = await here.seal({ kind: "artifact", run, epoch, seq: sequence }, { key });
    return { kind: "artifact", ...fenceOf(lease), keyTag: tagOf(key), sequence, detail };
  }
  const metric = (lease: Lease, name: string, sequence: number, value: number) => ({
    kind: "metric",
    ...fenceOf(lease),
    name,
    sequence,
    value,
  });
  const artifactsOf = async (runId: string, query: object = {}) =>
    here.admin.call("listArtifacts", { params: { runId }, query });
  const metricsOf = async (runId: string, query: object = {}) =>
    here.admin.call("listMetrics", { params: { runId }, query });
  it("keeps the newest version of each, however often and in whatever order they arrive", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const { runId } = lease;
    const newest = await artifact(lease, "bar", 7);
    await report(
      stage.agent,
      await artifact(lease, "note", 2),
      newest,
      metric(lease, "rows", 8, 5),
    );
    const late = [await artifact(lease, "bar", 1), newest, metric(lease, "rows", 3, 1)];
    expect(await report(stage.agent, ...late)).toEqual(["accepted", "accepted", "accepted"]);
    const { items } = await artifactsOf(runId);
    expect(items.map(({ keyTag, sequence }) => [keyTag, sequence])).toEqual([
      [tagOf("note"), 2],
      [tagOf("bar"), 7],
    ]);
    expect(items[1]).toMatchObject({ epoch: lease.epoch, detail: (newest as ArtifactRow).detail });
    expect((await metricsOf(runId)).items).toMatchObject([{ name: "rows", value: 5 }]);
    // A newer version moves nothing.
    await report(stage.agent, await artifact(lease, "note", 9), metric(lease, "rows", 10, -0.5));
    const updated = (await artifactsOf(runId)).items;
    expect(updated.map(({ sequence }) => sequence)).toEqual([9, 7]);
    expect(updated[0]?.createdAt).toBe(items[0]?.createdAt);
    expect((await metricsOf(runId)).items[0]?.value).toBe(-0.5);
  });

  it("takes them late, from the lease of an earlier attempt, and from no other", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    const { runId } = lease;
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "FAILED"));
    expect(
      await report(stage.agent, await artifact(lease, "old", 0), metric(lease, "rows", 1, 1)),
    ).toEqual(["accepted", "accepted"]);
    await here.admin.call("retryRun", { params: { runId } });
    const [second] = (await claim(stage.agent, sessionId)).leases;
    if (second === undefined) throw new Error("Nothing was claimed.");
    await report(stage.agent, await artifact(second, "old", 0), metric(second, "rows", 1, 2));
    const forged = { ...second, leaseToken: "0".repeat(32) };
    expect(
      await report(
        stage.agent,
        await artifact(forged, "old", 9),
        metric(forged, "rows", 9, 9),
        metric({ ...second, runId: randomUUID() }, "rows", 9, 9),
      ),
    ).toEqual(["fenced", "fenced", "fenced"]);
    // What the attempt before says now is older, whatever its number.
    await report(stage.agent, await artifact(lease, "old", 99), metric(lease, "rows", 99, 1));
    expect((await artifactsOf(runId)).items).toMatchObject([{ epoch: 2, sequence: 0 }]);
    expect((await metricsOf(runId)).items).toMatchObject([{ epoch: 2, value: 2 }]);
  });

  it("pages, each in its own order, and refuses a cursor that no page returned", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const { runId } = lease;
    const keys = ["e", "d", "c", "b", "a"];
    await report(
      stage.agent,
      ...(await Promise.all(keys.map((key, at) => artifact(lease, key, at)))),
      ...keys.map((name, at) => metric(lease, name, at, at)),
    );
    const tags: string[] = [];
    const names: string[] = [];
    for (let cursor: string | undefined | null = undefined; cursor !== null;) {
      const page: Awaited<ReturnType<typeof artifactsOf>> = await artifactsOf(runId, {
        limit: 2,
        cursor,
      });
      tags.push(...page.items.map(({ keyTag }) => keyTag.charAt(0)));
      cursor = page.nextCursor;
    }
    for (let cursor: string | undefined | null = undefined; cursor !== null;) {
      const page: Awaited<ReturnType<typeof metricsOf>> = await metricsOf(runId, {
        limit: 2,
        cursor,
      });
      names.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect([tags, names]).toEqual([keys, keys.toReversed()]);
    expect(await codeOf(artifactsOf(runId, { cursor: "1.x" }))).toBe("validation_failed");
  });

  it("shows them to their workspace alone, and forgets them with their run", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const { runId } = lease;
    await report(stage.agent, await artifact(lease, "note", 0), metric(lease, "rows", 1, 5));
    const elsewhere = await api.workspace("elsewhere");
    const params = { runId };
    for (const route of RECORDS_OF_RUN) {
      const code = await codeOf(elsewhere.admin.call(route, { params, query: {} }));
      expect([route, code]).toEqual([route, "not_found"]);
    }
    expect(await codeOf(elsewhere.admin.call("listRunStates", { params }))).toBe("not_found");
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "COMPLETED"));
    await here.admin.call("deleteRun", { params });
    const left = await database().inWorkspace(here, async (tx) => [
      await tx.prisma.artifact.count({ where: { runId } }),
      await tx.prisma.metric.count({ where: { runId } }),
    ]);
    expect(left).toEqual([0, 0]);
  });

  it.each([
    ["a number that is none", (lease: Lease) => metric(lease, "rows", 0, "5" as never)],
    ["a metric with data for a name", (lease: Lease) => metric(lease, "a@b.test", 0, 1)],
    [
      "a tag that is none",
      (lease: Lease) => ({ ...fenceOf(lease), kind: "artifact", keyTag: "the key", sequence: 0 }),
    ],
  ])("refuses %s", async (_, item) => {
    const { lease } = await aLease(await aStage(api, here));
    const stage = await aStage(api, here);
    expect(await codeOf(report(stage.agent, item(lease)))).toMatch(
      /validation_failed|plaintext_refused/,
    );
  });

  it("has checks of the database behind these refusals", async () => {
    const row = { runId: randomUUID(), epoch: 1, sequence: 0 };
    const inside = database();
    const keep = (given: Partial<ArtifactRow>) =>
      inside.inWorkspace(here, (tx) =>
        upsertArtifacts(tx, [
          { ...row, keyTag: tagOf("k"), detail: aBlob("artifact") as never, ...given },
        ]),
      );
    const count = (given: Partial<MetricRow>) =>
      inside.inWorkspace(here, (tx) =>
        upsertMetrics(tx, [{ ...row, name: "rows", value: 1, ...given }]),
      );
    await expect(keep({ detail: "marker" as never })).rejects.toThrow("artifact_detail_sealed");
    await expect(keep({ keyTag: "the key" })).rejects.toThrow("artifact_key_tag_check");
    await expect(count({ name: "a@b.test" })).rejects.toThrow("metric_name_check");
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      await expect(count({ value })).rejects.toThrow("metric_value_check");
    await Promise.all([keep({}), count({})]);
  });
});
