import { describe, expect, test } from "vitest";
import {
  isFiltered,
  joinStates,
  parseRunSearch,
  parseRunsSearch,
  paths,
  splitStates,
  toggleDay,
  toggleState,
} from "./paths.ts";

test("the page's routes are these", () => {
  expect(paths).toMatchInlineSnapshot(`
    {
      "home": "/",
      "run": "/runs/$runId",
      "runs": "/runs",
    }
  `);
});

describe("the filters in the address", () => {
  test("are read as they were written", () => {
    const search = {
      state: "RUNNING,FAILED",
      flow: "nightly-load",
      day: "2026-11-23",
      cursor: "abc",
    };
    expect(parseRunsSearch(search)).toEqual(search);
  });

  test("drop what makes no sense and keep the rest", () => {
    expect(parseRunsSearch({ state: "FAILED,purple", flow: { a: 1 }, nonsense: 1 })).toEqual({
      state: "FAILED",
    });
    expect(parseRunsSearch({ state: "purple" })).toEqual({});
    expect(parseRunsSearch({ state: 7, flow: "" })).toEqual({});
    expect(parseRunsSearch({ flow: "a", day: "2026-02-30" })).toEqual({ flow: "a" });
  });

  test("take the place of what they drop: the router keeps what is not named", () => {
    const asTyped = { state: 5, flow: ["a"], day: "2026-02-30", cursor: {} };
    expect({ ...asTyped, ...parseRunsSearch(asTyped) }).toEqual({});
    expect({ level: "loud", ...parseRunSearch({ level: "loud" }) }).toEqual({});
  });

  test("know a flow whose name is a number, or true", () => {
    expect(parseRunsSearch({ flow: 2024 })).toEqual({ flow: "2024" });
    expect(parseRunsSearch({ flow: true })).toEqual({ flow: "true" });
  });

  test("have one spelling for one choice, whatever the order of clicks", () => {
    expect(joinStates(["FAILED", "RUNNING"])).toBe("RUNNING,FAILED");
    expect(splitStates("failed, running")).toEqual(["RUNNING", "FAILED"]);
    expect(joinStates([])).toBeUndefined();
  });

  test("start paging over when the choice changes", () => {
    const search = { state: "RUNNING", flow: "a", cursor: "abc" };
    expect(toggleState(search, "FAILED")).toEqual({ state: "RUNNING,FAILED", flow: "a" });
    expect(toggleState(search, "RUNNING")).toEqual({ flow: "a" });
    expect(toggleDay(search, "2026-11-23")).toEqual({
      state: "RUNNING",
      flow: "a",
      day: "2026-11-23",
    });
  });

  test("let go of a day that is chosen again, and take another", () => {
    const search = { flow: "a", day: "2026-11-23" };
    expect(toggleDay(search, "2026-11-23")).toEqual({ flow: "a" });
    expect(toggleDay(search, "2026-11-22")).toEqual({ flow: "a", day: "2026-11-22" });
  });

  test("are there with any choice, but not for a place in the list alone", () => {
    expect(isFiltered({ cursor: "abc" })).toBe(false);
    expect([{ state: "FAILED" }, { flow: "a" }, { day: "2026-11-23" }].every(isFiltered)).toBe(
      true,
    );
  });
});

test("the log level in the address is one of the levels, and absent when it shows everything", () => {
  expect(parseRunSearch({ level: "warn", text: "secret" })).toEqual({ level: "warn" });
  expect(parseRunSearch({ level: "debug" })).toEqual({});
  expect(parseRunSearch({ level: "loud" })).toEqual({});
});
