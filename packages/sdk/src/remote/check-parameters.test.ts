import { isDownbeatError, type ErrorIssue } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkParameters, type CheckOptions } from "./check-parameters.ts";

const schema = z.toJSONSchema(
  z.object({
    year: z.int().min(2012).max(2015),
    metric: z.enum(["wind", "rain"]).default("wind"),
    days: z.array(z.object({ name: z.string() })).optional(),
    note: z.union([z.string(), z.number()]).optional(),
  }),
  { io: "input" },
);

describe("checkParameters", () => {
  it("lets fitting parameters through", () => {
    expect(issuesOf({ year: 2014, days: [{ name: "mon" }], note: 3 })).toEqual([]);
  });

  it("names a parameter that is out of range", () => {
    expect(issuesOf({ year: 1999 })).toEqual([
      { path: "year", message: expect.stringContaining("2012") },
    ]);
  });

  it("names a required parameter that is missing", () => {
    expect(issuesOf({})).toEqual([{ path: "year", message: "is required" }]);
  });

  it("lets a missing one pass where defaults it cannot read may supply it", () => {
    expect(issuesOf({ metric: "rain" }, { partial: true })).toEqual([]);
  });

  it("names a misspelt parameter instead of dropping it", () => {
    expect(issuesOf({ year: 2014, metrc: "rain" })).toEqual([
      { path: "metrc", message: "there is no such parameter; there are year, metric, days, note" },
    ]);
  });

  it("finds every error, and the innermost of each", () => {
    expect(issuesOf({ year: "x", days: [{ name: 1 }] }).map((issue) => issue.path)).toEqual([
      "year",
      "days.0.name",
    ]);
  });

  it("accepts anything where the flow has no schema", () => {
    expect(() => checkParameters("f", { any: 1 }, null)).not.toThrow();
  });

  it("accepts further names where the flow does", () => {
    const open = z.toJSONSchema(z.looseObject({ year: z.int() }), { io: "input" });
    expect(() => checkParameters("f", { year: 1, other: 2 }, open)).not.toThrow();
  });
});

function issuesOf(
  parameters: Record<string, unknown>,
  options?: CheckOptions,
): readonly ErrorIssue[] {
  try {
    checkParameters("weather", parameters, schema, options);
  } catch (error) {
    if (isDownbeatError(error) && error.code === "parameters_invalid") return error.issues;
    throw error;
  }
  return [];
}
