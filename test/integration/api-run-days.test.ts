import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, transition } from "./api-harness.ts";
import type { TestApi, TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, report } from "./api-stage.ts";

describeEachDatabase("runs by day", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  const daysOf = async (query: object) => (await here.admin.call("listRunDays", { query })).days;
  const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

  it("are the last fourteen, whatever happened, with what has just ended", async () => {
    const stage = await aStage(api, here);
    const before = Date.now();
    for (const end of ["COMPLETED", "COMPLETED", "FAILED"] as const) {
      const { lease } = await aLease(stage);
      await report(stage.agent, transition(lease, "RUNNING"));
      await report(stage.agent, transition(lease, end));
    }
    await stage.trigger(); // which waits
    const days = await daysOf({ flowName: stage.flowName });
    expect(days).toHaveLength(14);
    expect([dayOf(before), dayOf(Date.now())]).toContain(days.at(-1)?.day);
    const sum = (type: "COMPLETED" | "FAILED" | "CANCELLED"): number =>
      days.reduce((total, { runs }) => total + runs[type], 0);
    expect([sum("COMPLETED"), sum("FAILED"), sum("CANCELLED")]).toEqual([2, 1, 0]);
    expect(await daysOf({ flowName: "nobody-knows" })).toHaveLength(14);
  });

  it("are those that were asked for, leap days and all", async () => {
    const days = await daysOf({ from: "2024-02-28", to: "2024-03-01" });
    expect(days.map(({ day }) => day)).toEqual(["2024-02-28", "2024-02-29", "2024-03-01"]);
    expect(await daysOf({ to: "2024-03-01" })).toHaveLength(14);
    expect(await daysOf({ from: "2024-01-01", to: "2024-12-31" })).toHaveLength(366);
  });

  it.each([
    [{ from: "2024-03-02", to: "2024-03-01" }, "give `from` no later than `to`"],
    [{ from: "2024-01-01", to: "2025-01-01" }, "are 367 days; ask for at most 366"],
    [{ from: "2999-01-01" }, "give `from` no later than `to`"],
    [{ from: "2024-02-30" }, "from"],
    [{ from: "yesterday" }, "from"],
    [{ from: "0000-01-01" }, "from"],
  ])("are refused with the reason: %j", async (query, reason) => {
    const asked = await here.admin.call("listRunDays", { query }).catch((error: unknown) => error);
    expect(asked).toMatchObject({ code: "validation_failed" });
    expect(JSON.stringify(asked, Object.getOwnPropertyNames(asked))).toContain(reason);
  });
});
