import { describe, expect, it } from "vitest";
import { partitionDays, planRetention, type RunPartition } from "./plan-retention.ts";

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));

/** A table's partitions: everything before the first day, from day to day, and everything after the last. */
function aTable(
  table: string,
  days: readonly number[],
  full: readonly string[] = [],
): RunPartition[] {
  const bounds = [null, ...days.map(day), null];
  return bounds.slice(1).map((endsAt, index) => {
    const startsAt = bounds[index] ?? null;
    const rest =
      startsAt === null ? "before" : endsAt === null ? "after" : String(startsAt.getUTCDate());
    const name = `${table}_${rest}`;
    return { table, name, startsAt, endsAt, isEmpty: !full.includes(name) };
  });
}

const names = (partitions: readonly RunPartition[]): string[] => partitions.map(({ name }) => name);

describe("planRetention", () => {
  it("makes partitions up to three days ahead, each where the one before it ends", () => {
    const partitions = aTable("log_chunk", [2, 11]);
    expect(planRetention(partitions, { now: day(7), retentionDays: 90 }).add).toEqual([]);
    expect(planRetention(partitions, { now: day(9), retentionDays: 90 }).add).toEqual([
      { table: "log_chunk", endsAt: day(20) },
    ]);
    expect(planRetention(partitions, { now: day(26), retentionDays: 90 }).add).toEqual([
      { table: "log_chunk", endsAt: day(20) },
      { table: "log_chunk", endsAt: day(29) },
    ]);
  });

  it("empties what has ended before the retention, and runs before what belongs to them", () => {
    const full = ["ended_run_before", "ended_run_2", "flow_run_before", "flow_run_2", "flow_run_3"];
    const partitions = ["ended_run", "flow_run"].flatMap((name) => aTable(name, [2, 3, 4], full));
    const { empty } = planRetention(partitions, { now: day(13), retentionDays: 10 });
    expect(names(empty)).toEqual([
      "flow_run_before",
      "flow_run_2",
      "ended_run_before",
      "ended_run_2",
    ]);
  });

  it("drops an empty partition once everything before it is empty too", () => {
    const plan = (full: string[]): string[] =>
      names(
        planRetention(aTable("metric", [2, 3, 4], full), { now: day(14), retentionDays: 10 }).drop,
      );
    expect(plan([])).toEqual(["metric_2", "metric_3"]);
    expect(plan(["metric_3"])).toEqual(["metric_2"]);
    expect(plan(["metric_before"])).toEqual([]);
  });

  it("keeps everything when there is no retention", () => {
    const partitions = aTable("flow_run", [2, 3], ["flow_run_before", "flow_run_2"]);
    const plan = planRetention(partitions, { now: day(900), retentionDays: 0 });
    expect(plan).toMatchObject({ empty: [], drop: [] });
  });
});

describe("partitionDays", () => {
  it("is a tenth of what is kept, at least a day and at most thirty", () => {
    expect([1, 7, 30, 90, 365, 0].map(partitionDays)).toEqual([1, 1, 3, 9, 30, 30]);
  });
});
