import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { parseDurationMs } from "./duration.ts";
import { parseDay } from "./parse-day.ts";
import { parseInstant } from "./parse-instant.ts";
import { parseTarget } from "./parse-target.ts";
import { creationWindow } from "./runs/find-run.ts";
import { showControls } from "./runs/log-words.ts";
import { runDaysTable } from "./runs/run-days-table.ts";
import { table } from "./table.ts";
import { durationWords, relativeWords, spanWords } from "./time-words.ts";

const now = new Date("2026-03-01T12:00:00Z");

describe("durationWords", () => {
  it.each([
    [12, "12 ms"],
    [1234, "1.2 s"],
    [184_000, "3 min 4 s"],
    [7_500_000, "2 h 5 min"],
  ])("says %i ms as %s", (milliseconds, words) => {
    expect(durationWords(milliseconds)).toBe(words);
  });
});

describe("relativeWords", () => {
  it.each([
    ["2026-03-01T11:59:55Z", "just now"],
    ["2026-03-01T11:55:00Z", "5 min ago"],
    ["2026-03-01T14:00:00Z", "in 2 h"],
    ["2026-02-01T12:30:00Z", "2026-02-01 12:30"],
  ])("says %s as %s", (instant, words) => {
    expect(relativeWords(instant, now)).toBe(words);
  });
});

describe("spanWords", () => {
  it("counts to now while something runs, and is empty before it began", () => {
    expect(spanWords("2026-03-01T11:59:58Z", null, now)).toBe("2.0 s");
    expect(spanWords(null, null, now)).toBe("");
  });
});

describe("parseDurationMs", () => {
  it.each([
    ["90", 90_000],
    ["1500ms", 1500],
    ["2.5m", 150_000],
    ["1h", 3_600_000],
    ["30d", 2_592_000_000],
  ])("reads %s", (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each(["", "soon", "-1", "5w"])("refuses %j", (text) => {
    expect(() => parseDurationMs(text)).toThrow(/is not a duration/);
  });

  it.each(["36501d", "99999999999999999999d"])("refuses %j: nothing lasts so long", (text) => {
    expect(() => parseDurationMs(text)).toThrow(/is too long; give at most 36500d/);
  });
});

describe("parseInstant", () => {
  it.each([
    ["2026-03-01T07:00:00Z", "2026-03-01T07:00:00.000Z"],
    ["2026-03-01T07:00+05:30", "2026-03-01T01:30:00.000Z"],
    ["2026-03-01 07:00:00.5Z", "2026-03-01T07:00:00.500Z"],
    ["2026-03-01", "2026-03-01T00:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ])("reads %s", (text, instant) => {
    expect(parseInstant("--at", text)).toBe(instant);
  });

  it.each([
    "",
    "tomorrow",
    "5",
    "nov 23",
    "2026-02-30",
    "2026-02-29T07:00:00Z",
    "2026-13-01",
    "2026-03-01T25:00:00Z",
    "2026-03-01T07:00:00+25:00",
    "0000-06-01T00:00:00Z",
    "0001-01-01T00:00:00+05:00",
    "9999-12-31T23:59:59-05:00",
    "+275760-09-13T00:00:00.000Z",
  ])("refuses %j", (text) => {
    expect(() => parseInstant("--at", text)).toThrow(`--at "${text}" is not a time`);
  });
});

describe("table", () => {
  it("lines columns up by what is visible, not by colour codes", () => {
    expect(
      table(
        ["A", "B"],
        [
          ["\u001b[31mred\u001b[39m", "x"],
          ["longer", "y"],
        ],
      ),
    ).toBe("A       B\n\u001b[31mred\u001b[39m     x\nlonger  y");
  });
});

describe("parseDay", () => {
  it("reads a day of the calendar", () => {
    expect(parseDay("2028-02-29")).toBe("2028-02-29");
  });

  it.each(["", "today", "2026-02-30", "2026-3-1", "2026-03-01T00:00:00Z"])("refuses %j", (text) => {
    expect(() => parseDay(text)).toThrow(/Give a day of the calendar, written as 2026-03-01/);
  });
});

describe("parseTarget", () => {
  it("reads a flow, and a deployment of one", () => {
    expect(parseTarget("etl")).toEqual({ flowName: "etl" });
    expect(parseTarget("etl/nightly")).toEqual({ flowName: "etl", deploymentName: "nightly" });
  });

  it.each(["", "/nightly", "etl/", "a/b/c"])("refuses %j", (text) => {
    expect(() => parseTarget(text)).toThrow(/is not FLOW or FLOW\/DEPLOYMENT/);
  });
});

describe("runDaysTable", () => {
  const plain = pc.createColors(false);

  it("has a line for each day, with numbers under one another, and says when there was no run", () => {
    const quiet = { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 0 };
    const busy = { COMPLETED: 1_204_331, FAILED: 3, CRASHED: 0, CANCELLED: 12 };
    const days = [
      { day: "2026-11-22", runs: quiet, runningMs: 0 },
      { day: "2026-11-23", runs: busy, runningMs: 7_500_000 },
    ];
    expect(runDaysTable(plain, days)).toBe(
      [
        "DAY                 ENDED  COMPLETED  FAILED  CRASHED  CANCELLED        RAN",
        "2026-11-22 Sun       none",
        "2026-11-23 Mon  1,204,346  1,204,331       3        0         12  2 h 5 min",
      ].join("\n"),
    );
  });
});

describe("showControls", () => {
  it("shows what would drive the terminal, and keeps tabs and line ends", () => {
    expect(showControls("a\u001b[2Jb\tc\nd\r")).toBe("a\\x1b[2Jb\tc\nd\\x0d");
  });
});

describe("creationWindow", () => {
  it("bounds the creation time of ids that begin with a prefix", () => {
    const createdMs = Date.parse("2026-03-01T12:00:00Z");
    const stamp = createdMs.toString(16).padStart(12, "0");
    const { createdAfter, createdBefore } = creationWindow(stamp.slice(0, 8));
    expect(Date.parse(createdAfter)).toBeLessThan(createdMs);
    expect(Date.parse(createdBefore)).toBeGreaterThan(createdMs);
    expect(Date.parse(createdBefore) - Date.parse(createdAfter)).toBeLessThan(4 * 60_000);
  });

  it("never leaves what dates can hold", () => {
    expect(creationWindow("ffffff").createdBefore).toBe("9999-01-01T00:00:00.000Z");
  });
});
