import { describe, expect, it } from "vitest";
import { ParameterSchema } from "./flow.ts";
import { Instant, Tag } from "./identifiers.ts";
import { DEEPEST_JSON } from "./kept-json.ts";
import { openApiDocument } from "./openapi.ts";

type Node = Record<string, unknown>;

// What no request may hold, or the database would refuse what the contract has let pass.
describe("what a request may hold", () => {
  const requests = Object.values(openApiDocument("1")["paths"] as Record<string, Node>)
    .flatMap((path) => Object.values(path) as Node[])
    .map(({ operationId, parameters, requestBody }) => ({
      operationId: String(operationId),
      leaves: [...leavesOf(parameters, ""), ...leavesOf(requestBody, "")],
    }));

  it.each(requests)(
    "$operationId: whole numbers of at most nine digits, but for ticks",
    (request) => {
      const large = request.leaves.filter(
        ({ node }) => node["type"] === "integer" && Number(node["maximum"]) > 999_999_999,
      );
      const expected = { claim: ["idleTick"], heartbeat: ["tick"] }[request.operationId] ?? [];
      expect(large.map(({ name }) => name).filter((name) => name !== "exitCode")).toEqual(expected);
    },
  );

  it.each(requests)("$operationId: texts of a known form", ({ leaves }) => {
    const loose = leaves.filter(({ node }) => node["type"] === "string" && !hasForm(node));
    expect(loose.map(({ name }) => name)).toEqual([]);
  });

  it.each(["a\u0000b", "\ud800", "\udfff.", "a\udc00\ud800"])("no text %j", (text) => {
    expect(Tag.safeParse(text).success).toBe(false);
    for (const schema of [{ title: text }, { [text]: 1 }, { a: [{ b: [text] }] }])
      expect(ParameterSchema.safeParse(schema).success).toBe(false);
  });

  it.each(["a", "ü", "日本", "👩‍👩‍👧", "\n", "\\u0000", "\ufffd"])("any other text, as %j", (text) => {
    expect(Tag.safeParse(text).success).toBe(true);
    expect(ParameterSchema.safeParse({ title: text, [text]: text }).success).toBe(true);
  });

  it("no parameter schema beyond a depth, however deep", () => {
    expect(ParameterSchema.safeParse(nested(DEEPEST_JSON)).success).toBe(true);
    for (const depth of [DEEPEST_JSON + 1, 100_000]) {
      const [issue] = ParameterSchema.safeParse(nested(depth)).error?.issues ?? [];
      expect(issue?.message).toBe("goes deeper than 200 levels");
    }
  });

  it.each([
    ["0000-12-31T23:59:59Z", false],
    ["0001-01-01T00:00:00Z", true],
    ["0001-01-01T00:00:00+01:00", false],
    ["9999-12-31T23:59:59Z", true],
    ["9999-12-31T23:59:59.999Z", true],
    ["9999-12-31T23:59:59.9999999Z", false],
    ["9999-12-31T23:59:59-01:00", false],
    ["2026-11-23T10:00:00.123456+14:00", true],
    ["2026-11-23T10:00:00-12:00", true],
    ["2026-11-23T10:00:00+15:59", true],
    ["2026-11-23T10:00:00+16:00", false],
    ["2026-11-23T10:00:00-23:59", false],
  ])("of the instant %s, whether it may: %s", (instant, isKept) => {
    expect(Instant.safeParse(instant).success).toBe(isKept);
  });
});

type Leaf = { readonly name: string; readonly node: Node };

function leavesOf(node: unknown, name: string): Leaf[] {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => leavesOf(item, name));
  const here = node as Node;
  const nameOf = (key: string): string =>
    typeof here["name"] === "string"
      ? here["name"]
      : /^(schema|items|anyOf|oneOf)$/.test(key)
        ? name
        : key;
  return [
    { name, node: here },
    // A document may describe any names of properties.
    ...Object.entries(here).flatMap(([key, inner]) =>
      key === "propertyNames" ? [] : leavesOf(inner, nameOf(key)),
    ),
  ];
}

function hasForm(node: Node): boolean {
  return ["pattern", "format", "enum", "const", "allOf"].some((keyword) => keyword in node);
}

function nested(depth: number): unknown {
  let schema: unknown = {};
  for (let level = 1; level < depth; level++) schema = { a: schema };
  return schema;
}
