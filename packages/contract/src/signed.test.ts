import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readStatement, signed } from "./signed.ts";

const HEADER = { alg: "ES256", typ: "dnb-trigger+jws", kid: "A".repeat(43) };
const STATEMENT = {
  ws: randomUUID(),
  dep: "weather/nightly",
  run: randomUUID(),
  parameters: "B".repeat(43),
  at: null,
  iat: 1,
  exp: 2,
};

function jws(header: object, payload: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(payload)}.${"C".repeat(86)}`;
}

const accepts = (text: unknown): boolean => signed("trigger").safeParse(text).success;

describe("a signed field", () => {
  it("takes a statement for a run, or for an idempotency key", () => {
    const { run: _, ...rest } = STATEMENT;
    expect(accepts(jws(HEADER, STATEMENT))).toBe(true);
    expect(accepts(jws(HEADER, { ...rest, key: "D".repeat(43) }))).toBe(true);
  });

  // It travels in clear, so there must be no place in it for anything but what it states.
  it.each([
    ["a further field", { ...STATEMENT, note: "Ada Lovelace" }],
    ["no run", { ...STATEMENT, run: undefined }],
    ["a run and a key", { ...STATEMENT, key: randomUUID() }],
    ["a digest that is a text", { ...STATEMENT, parameters: "Ada Lovelace" }],
    ["a deployment that is a sentence", { ...STATEMENT, dep: "Ada; Lovelace" }],
    ["no object", "Ada Lovelace"],
  ])("refuses a statement with %s", (_, payload) => {
    expect(accepts(jws(HEADER, payload))).toBe(false);
  });

  it.each([
    ["another algorithm", { ...HEADER, alg: "none" }],
    ["another type", { ...HEADER, typ: "dnb-deployment+jws" }],
    ["a key id that is none", { ...HEADER, kid: "Ada" }],
    ["a further field", { ...HEADER, jku: "https://plane.example/keys" }],
  ])("refuses a header with %s", (_, header) => {
    expect(accepts(jws(header, STATEMENT))).toBe(false);
  });

  it.each([
    ["text", "Ada Lovelace"],
    ["an object", { ...STATEMENT }],
    ["a statement that is too long", jws(HEADER, { ...STATEMENT, dep: `${"a".repeat(3000)}/b` })],
    ["parts that are no JSON", `eyJh.eyJh.${"C".repeat(86)}`],
  ])("refuses %s", (_, value) => {
    expect(accepts(value)).toBe(false);
  });

  it("says of an input for which pause point of which run it is", () => {
    const header = { ...HEADER, typ: "dnb-input+jws" };
    const given = { ws: STATEMENT.ws, run: STATEMENT.run, point: "approval", input: null, iat: 1 };
    const statement = signed("input").parse(jws(header, given));
    expect(readStatement("input", statement)).toEqual(given);
    const further = { ...given, note: "Ada Lovelace" };
    expect(signed("input").safeParse(jws(header, further)).success).toBe(false);
  });
});
