import type { z } from "zod";

// An allow-list: whatever else a schema carries (default, examples, an author's own metadata) may be customer data.
const VALUE_KEYWORDS = new Set([
  "$schema",
  "$id",
  "$ref",
  "type",
  "format",
  "title",
  "description",
  "enum",
  "const",
  "required",
  "readOnly",
  "writeOnly",
  "deprecated",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "contentEncoding",
  "contentMediaType",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minContains",
  "maxContains",
  "minProperties",
  "maxProperties",
]);
const SCHEMA_KEYWORDS = new Set([
  "items",
  "contains",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
]);
const SCHEMA_LIST_KEYWORDS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const SCHEMA_MAP_KEYWORDS = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
]);

/** JSON Schema of what callers may pass, without a single value of the customer's. What zod cannot express is `{}`. */
export function parametersJsonSchema(schema: z.ZodType | undefined): Record<string, unknown> {
  if (schema === undefined) return { type: "object" };
  // The schema's own method, so that the author's zod does it: this package need not load one for flows without schema.
  return stripSchema(schema.toJSONSchema({ io: "input", unrepresentable: "any" }));
}

/** Drops everything but the known keywords at every level. Property names are kept, be one of them `default`. */
export function stripSchema(schema: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    const stripped = stripKeyword(keyword, value);
    if (stripped !== undefined) kept[keyword] = stripped;
  }
  return kept;
}

function stripKeyword(keyword: string, value: unknown): unknown {
  if (VALUE_KEYWORDS.has(keyword)) return value;
  if (SCHEMA_KEYWORDS.has(keyword))
    return Array.isArray(value) ? value.map(stripNode) : stripNode(value);
  if (SCHEMA_LIST_KEYWORDS.has(keyword) && Array.isArray(value)) return value.map(stripNode);
  if (SCHEMA_MAP_KEYWORDS.has(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, node]) => [name, stripNode(node)]));
  }
  return undefined;
}

function stripNode(node: unknown): unknown {
  return isObject(node) ? stripSchema(node) : node;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
