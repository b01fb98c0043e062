import { describe, expect, it } from "vitest";
import { serializeError } from "./logger.ts";

describe("serializeError", () => {
  it("keeps type, code, place and causes, and drops the values libraries attach", () => {
    const cause = Object.assign(new Error("inner"), { parameters: ["Ada's payroll"] });
    const error = Object.assign(new Error("outer", { cause }), {
      code: "E1",
      body: "Ada's payroll",
    });
    const logged = serializeError(error);
    expect(logged).toMatchObject({
      type: "Error",
      code: "E1",
      message: "outer",
      cause: { message: "inner" },
    });
    expect(logged.stack).toContain("logger.test.ts");
    expect(JSON.stringify(logged)).not.toContain("payroll");
  });
});
