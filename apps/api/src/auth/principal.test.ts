import { describe, expect, it } from "vitest";
import { mayCall } from "./principal.ts";

describe("mayCall", () => {
  it.each([
    ["admin", "viewer", true],
    ["viewer", "viewer", true],
    ["viewer", "runner", false],
    ["developer", "admin", false],
    ["admin", "agent", false],
    ["agent", "viewer", false],
    ["agent", "agent", true],
  ] as const)("lets %s call a route of %s: %s", (role, needed, allowed) => {
    expect(mayCall(role, [needed])).toBe(allowed);
  });

  it("needs one of several, not all", () => {
    expect(mayCall("agent", ["runner", "agent"])).toBe(true);
    expect(mayCall("viewer", ["runner", "agent"])).toBe(false);
  });
});
