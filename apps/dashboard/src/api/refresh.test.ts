import { DownbeatError, type State } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { failedRefreshMs, listRefreshMs, runRefreshMs } from "./refresh.ts";

const at = "2026-01-01T00:00:00.000Z";
const atMs = Date.parse(at);
const running: State = { type: "RUNNING", name: "Running", at };
const completed: State = { type: "COMPLETED", name: "Completed", at };

describe("refreshing", () => {
  test("a list is quick while one of its runs is live, and slow otherwise", () => {
    expect(listRefreshMs([{ state: completed }, { state: running }])).toBe(2_000);
    expect(listRefreshMs([{ state: completed }])).toBe(15_000);
    expect(listRefreshMs([])).toBe(15_000);
  });

  test("a run goes on for half a minute after its end, for reports that come late", () => {
    expect(runRefreshMs(running, atMs + 3_600_000)).toBe(2_000);
    expect(runRefreshMs(completed, atMs + 29_999)).toBe(2_000);
    expect(runRefreshMs(completed, atMs + 30_000)).toBe(false);
  });

  test("goes on after a failure only where another answer may come", () => {
    expect(failedRefreshMs(new DownbeatError("unreachable"))).toBe(5_000);
    expect(failedRefreshMs(new DownbeatError("response_invalid"))).toBe(5_000);
    expect(failedRefreshMs(new DownbeatError("not_found"))).toBe(false);
    expect(failedRefreshMs(new TypeError("a flaw of the page"))).toBe(false);
  });
});
