import type { CreatedRun, NewRun } from "@downbeat/db";
import { describe, expect, it } from "vitest";
import { LikelyPools } from "./likely-pools.ts";

const plain: NewRun = {
  flowName: "etl",
  deploymentName: "default",
  parameters: null,
  scheduledFor: null,
  tags: [],
  idempotencyKey: null,
  requestHash: "",
  createdBy: { kind: "api-key", id: null },
};

function made(poolId: string, strategyOf: string | null = null): CreatedRun {
  const run = (): never => {
    throw new Error("not read here");
  };
  return { status: "created", runId: "r", run, poolId, isDue: true, strategyOf };
}

describe("LikelyPools", () => {
  it("remembers where the runs of a deployment went, in each workspace", () => {
    const pools = new LikelyPools();
    expect(pools.of("here", [plain])).toBeUndefined();
    pools.note("here", [plain], [made("p1")]);
    expect(pools.of("here", [plain, plain])).toBe("p1");
    expect(pools.of("there", [plain])).toBeUndefined();
    pools.note("here", [plain], [made("p2")]);
    expect(pools.of("here", [plain])).toBe("p2");
  });

  it("knows nothing of rows that go to several pools or that wait for a time", () => {
    const pools = new LikelyPools();
    const other = { ...plain, flowName: "other" };
    pools.note("here", [plain, other], [made("p1"), made("p2")]);
    expect(pools.of("here", [plain, other])).toBeUndefined();
    expect(pools.of("here", [{ ...plain, scheduledFor: "2030-01-01T00:00:00Z" }])).toBeUndefined();
    expect(
      pools.of(
        "here",
        Array.from({ length: 17 }, () => plain),
      ),
    ).toBeUndefined();
    expect(pools.of("here", [])).toBeUndefined();
  });

  it("forgets a deployment that may cancel runs, or is gone", () => {
    const pools = new LikelyPools();
    pools.note("here", [plain], [made("p1")]);
    pools.note("here", [plain], [made("p1", "deployment")]);
    expect(pools.of("here", [plain])).toBeUndefined();
    pools.note("here", [plain], [made("p1")]);
    pools.note("here", [plain], [{ status: "unknown", flowExists: true }]);
    expect(pools.of("here", [plain])).toBeUndefined();
  });
});
