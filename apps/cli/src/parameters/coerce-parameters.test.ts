import { isDownbeatError } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { coerceParameters } from "./coerce-parameters.ts";
import type { SchemaNode } from "./schema-node.ts";

const schema = z.toJSONSchema(
  z.object({
    year: z.int(),
    ratio: z.number(),
    dryRun: z.boolean(),
    name: z.string(),
    metric: z.enum(["wind", "rain"]),
    level: z.union([z.literal(1), z.literal(2)]),
    days: z.array(z.string()),
    window: z.object({ from: z.string() }),
    limit: z.number().nullable(),
    either: z.union([z.number(), z.string()]),
  }),
  { io: "input" },
) as SchemaNode;

describe("coerceParameters", () => {
  it.each<[string, unknown]>([
    ["year=2014", 2014],
    ["ratio=-1.5e-3", -0.0015],
    ["dryRun=false", false],
    ["name=2014", "2014"],
    ["name=true", "true"],
    ["name=a=b", "a=b"],
    ["name=", ""],
    ["metric=wind", "wind"],
    ["level=2", 2],
    ['days=["mon","tue"]', ["mon", "tue"]],
    ['window={"from":"mon"}', { from: "mon" }],
    ["limit=null", null],
    ["limit=3", 3],
    ["either=3", 3],
    ["either=three", "three"],
  ])("reads %s as the schema wants it", (assignment, expected) => {
    expect(Object.values(coerceParameters([assignment], schema))).toEqual([expected]);
  });

  it("takes JSON or plain text where no schema says more", () => {
    expect(coerceParameters(["a=1", "b=x", "c=[1]"], null)).toEqual({ a: 1, b: "x", c: [1] });
  });

  it.each([
    ["year=soon"],
    ["year="],
    ["year=0x10"],
    ["dryRun=yes"],
    ["days=mon"],
    ["window=[1]"],
    ["limit=Infinity"],
    ["dryRun=toString"],
    ["dryRun=__proto__"],
  ])("refuses %s and names the parameter", (assignment) => {
    const error = caught(() => coerceParameters([assignment, "name=x"], schema));
    expect(error?.code).toBe("parameters_invalid");
    expect(error?.issues.map((issue) => issue.path)).toEqual([assignment.split("=")[0]]);
  });

  it.each([["year"], ["=2014"]])("refuses %s: it is no assignment", (assignment) => {
    expect(caught(() => coerceParameters([assignment], schema))?.code).toBe("usage_invalid");
  });

  it("refuses a parameter given twice", () => {
    expect(caught(() => coerceParameters(["year=1", "year=2"], schema))?.message).toContain(
      '"year" is given twice',
    );
  });

  it("keeps a parameter called __proto__ a plain parameter", () => {
    const parameters = coerceParameters(["__proto__={}"], null);
    expect(Object.keys(parameters)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(parameters)).toBe(Object.prototype);
  });
});

function caught(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (isDownbeatError(error)) return error;
    throw error;
  }
  return undefined;
}
