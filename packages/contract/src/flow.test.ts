import { describe, expect, it } from "vitest";
import { ParameterSchema } from "./flow.ts";

describe("a parameter schema", () => {
  it("carries names and types, even of a parameter called default", () => {
    const schema = {
      type: "object",
      properties: { default: { type: "string" }, examples: { type: "array" } },
    };
    expect(ParameterSchema.safeParse(schema).success).toBe(true);
  });

  it.each([
    [
      { type: "object", properties: { year: { type: "integer", default: 2014 } } },
      "/properties/year/default",
    ],
    [{ anyOf: [{ type: "string", examples: ["secret"] }] }, "/anyOf/0/examples"],
    [
      { $defs: { a: { type: "object", properties: { b: { default: 1 } } } } },
      "/$defs/a/properties/b/default",
    ],
  ])("refuses values of the customer: %o", (schema, path) => {
    const issue = ParameterSchema.safeParse(schema).error?.issues[0];
    expect(issue).toMatchObject({ params: { code: "plaintext_refused" } });
    expect(issue?.message).toContain(path);
  });
});
