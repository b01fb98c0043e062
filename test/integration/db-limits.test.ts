import { removeLimit, updateDeployment, updatePool } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aSession, aWorkspace, claim, moveRuns } from "./db-fixture.ts";
import { aLimit, aQueue, countSlots, deployLimited, flowsOf, runsOf } from "./limits-fixture.ts";

const ENDED = [
  ["RUNNING", "Running", "started"],
  ["COMPLETED", "Completed", "completed"],
] as const;

describeEachDatabase("limits", ({ database }) => {
  it("of a queue are kept, and leave the other queues alone", async () => {
    const fixture = await aWorkspace(database());
    await aQueue(fixture, "narrow", { concurrencyLimit: 2 });
    await deployLimited(fixture, "squeezed", { queueName: "narrow" });
    await runsOf(fixture, "squeezed", 5);
    await runsOf(fixture, "etl", 3);
    const sessionId = await aSession(fixture);
    const leases = await claim(fixture, { sessionId });
    expect(flowsOf(leases).toSorted()).toEqual(["etl", "etl", "etl", "squeezed", "squeezed"]);
    expect(await claim(fixture, { sessionId })).toEqual([]);
    const [held] = leases.filter(({ flowName }) => flowName === "squeezed");
    await moveRuns(
      fixture,
      [held?.runId ?? ""],
      ENDED.map((step) => [...step]),
    );
    expect(flowsOf(await claim(fixture, { sessionId }))).toEqual(["squeezed"]);
  });

  it("of a deployment let its runs wait, and can be changed", async () => {
    const fixture = await aWorkspace(database());
    const id = await deployLimited(fixture, "one", {
      concurrency: { limit: 1, strategy: "enqueue" },
    });
    await runsOf(fixture, "one", 4);
    const sessionId = await aSession(fixture);
    expect(await claim(fixture, { sessionId })).toHaveLength(1);
    expect(await claim(fixture, { sessionId })).toEqual([]);
    const changed = await fixture.inside((tx) =>
      updateDeployment(tx, { id, concurrency: { limit: 3, strategy: "enqueue" } }),
    );
    expect(changed?.concurrency).toEqual({ limit: 3, strategy: "enqueue" });
    expect(await claim(fixture, { sessionId })).toHaveLength(2);
    await fixture.inside((tx) => updateDeployment(tx, { id, concurrency: null }));
    expect(await claim(fixture, { sessionId })).toHaveLength(1);
  });

  it("stay as they are when a deployment is registered again without them", async () => {
    const fixture = await aWorkspace(database());
    const concurrency = { limit: 1, strategy: "enqueue" } as const;
    const id = await deployLimited(fixture, "one", { concurrency, requiredLabels: ["gpu"] });
    expect(await deployLimited(fixture, "one")).toBe(id);
    const [again] = [await fixture.inside((tx) => updateDeployment(tx, { id }))];
    expect(again).toMatchObject({ concurrency, requiredLabels: ["gpu"] });
  });

  it("with a name are shared by the deployments that list them", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "warehouse", { slots: 3 });
    for (const flowName of ["load", "report"])
      await deployLimited(fixture, flowName, { limitNames: ["warehouse"] });
    await runsOf(fixture, "load", 5);
    await runsOf(fixture, "report", 5);
    await runsOf(fixture, "etl", 2);
    const sessionId = await aSession(fixture);
    const leases = await claim(fixture, { sessionId });
    expect(leases).toHaveLength(5);
    expect(await countSlots(fixture)).toBe(3);
    const limited = leases.filter(({ flowName }) => flowName !== "etl");
    expect(new Set(flowsOf(limited))).toEqual(new Set(["load", "report"]));
    await moveRuns(
      fixture,
      [limited[0]?.runId ?? ""],
      ENDED.map((step) => [...step]),
    );
    expect(await countSlots(fixture)).toBe(2);
    expect(await claim(fixture, { sessionId })).toHaveLength(1);
    expect(await countSlots(fixture)).toBe(3);
  });

  it("with a name must exist to be listed, and not be listed to be removed", async () => {
    const fixture = await aWorkspace(database());
    const listing = deployLimited(fixture, "load", { limitNames: ["warehouse"] });
    await expect(listing).rejects.toMatchObject({ code: "limit_not_found" });
    await aLimit(fixture, "warehouse", { slots: 3 });
    await deployLimited(fixture, "load", { limitNames: ["warehouse"] });
    const remove = () => fixture.inside((tx) => removeLimit(tx, "warehouse"));
    await expect(remove()).rejects.toThrow('"load/default" lists it');
    await deployLimited(fixture, "load", { limitNames: [] });
    expect(await remove()).toMatchObject({ name: "warehouse", slots: 3, taken: 0 });
    await expect(remove()).rejects.toMatchObject({ code: "limit_not_found" });
  });

  it("with a rate let through a burst, and then so many a second by the database's clock", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "api", { rate: { perSecond: 2, burst: 3 } });
    await deployLimited(fixture, "call", { limitNames: ["api"] });
    await runsOf(fixture, "call", 20);
    const sessionId = await aSession(fixture, 100, 3_600);
    const startMs = Date.now() + 1_000;
    const after = async (seconds: number) =>
      (await claim(fixture, { sessionId, now: new Date(startMs + seconds * 1000) })).length;
    expect(await after(0)).toBe(3);
    expect(await after(0.4)).toBe(0);
    expect(await after(0.5)).toBe(1);
    expect(await after(1.75)).toBe(2);
    expect(await after(1)).toBe(0);
    expect(await after(60)).toBe(3);
  });

  it("need labels: only a session that carries all of them takes the runs", async () => {
    const fixture = await aWorkspace(database());
    await deployLimited(fixture, "train", { requiredLabels: ["gpu", "eu"] });
    await runsOf(fixture, "train", 1);
    expect(await claim(fixture, { sessionId: await aSession(fixture) })).toEqual([]);
    const half = await aSession(fixture, { labels: ["gpu"] });
    expect(await claim(fixture, { sessionId: half })).toEqual([]);
    const full = await aSession(fixture, { labels: ["eu", "gpu", "big"] });
    expect(await claim(fixture, { sessionId: full })).toHaveLength(1);
  });

  it("are all kept at once, and the free places still filled", async () => {
    const fixture = await aWorkspace(database());
    await fixture.inside((tx) => updatePool(tx, { name: "default", concurrencyLimit: 6 }));
    await aQueue(fixture, "first", { priority: 1, concurrencyLimit: 4 });
    await aLimit(fixture, "db", { slots: 2 });
    await deployLimited(fixture, "a", { queueName: "first", limitNames: ["db"] });
    await deployLimited(fixture, "b", {
      queueName: "first",
      concurrency: { limit: 1, strategy: "enqueue" },
    });
    await deployLimited(fixture, "c", { limitNames: ["db"] });
    for (const flowName of ["a", "b", "c", "etl"]) await runsOf(fixture, flowName, 10);
    const leases = await claim(fixture, { sessionId: await aSession(fixture) });
    // "first" before the others: both slots of "db" to a, one to b; then nothing left for c, and the pool's rest to etl.
    expect(flowsOf(leases).toSorted()).toEqual(["a", "a", "b", "etl", "etl", "etl"]);
  });
});
