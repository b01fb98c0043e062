import { describe, expect, it } from "vitest";
import { z } from "zod";
import { plain } from "./boundary.ts";
import { ROUTES } from "./routes.ts";
import type { RouteSpec } from "./route.ts";
import { unlabelledFields } from "./unlabelled-fields.ts";

describe("boundary labels", () => {
  it.each(Object.entries(ROUTES) as [string, RouteSpec][])("%s labels every field", (_, spec) => {
    const schemas = [spec.params, spec.query, spec.body, spec.response].filter(
      (schema) => schema !== undefined,
    );
    expect(schemas.flatMap((schema) => unlabelledFields(schema))).toEqual([]);
  });

  it("finds a field without a label, however deep", () => {
    const schema = z.strictObject({
      id: plain(z.string()),
      inner: z.array(z.strictObject({ secret: z.string().nullable().default(null) })),
      either: z.union([plain(z.string()), z.number()]),
    });
    expect(unlabelledFields(schema)).toEqual(["inner[].secret", "either"]);
  });
});
