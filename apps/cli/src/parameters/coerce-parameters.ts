import { DownbeatError, type ErrorIssue } from "@downbeat/contract";
import { literalsOf, resolveReference, typesOf, type SchemaNode } from "./schema-node.ts";

/**
 * Turns `name=value` texts into parameters, guided by the flow's schema: "2014" becomes a number where the schema wants
 * one and stays text where it wants text.
 *
 * @throws {DownbeatError} `usage_invalid` for a text without `=` or a name given twice; `parameters_invalid` for a
 * value that cannot be read as what the schema wants, naming the parameter
 */
export function coerceParameters(
  assignments: readonly string[],
  schema: SchemaNode | null,
): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  const issues: ErrorIssue[] = [];
  for (const [name, text] of assignments.map(splitAssignment)) {
    if (Object.hasOwn(parameters, name)) {
      throw new DownbeatError("usage_invalid", {
        message: `Parameter "${name}" is given twice; give an array as JSON.`,
      });
    }
    const value = coerceValue(text, schema?.properties?.[name] ?? {}, schema ?? {});
    if (value === UNREADABLE) issues.push({ path: name, message: refusal(text, schema, name) });
    // Own property even for a name like "__proto__".
    Object.defineProperty(parameters, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (issues.length > 0) throw new DownbeatError("parameters_invalid", { issues });
  return parameters;
}

function splitAssignment(assignment: string): [name: string, text: string] {
  const at = assignment.indexOf("=");
  if (at > 0) return [assignment.slice(0, at), assignment.slice(at + 1)];
  throw new DownbeatError("usage_invalid", {
    message: `"${assignment}" is not a parameter; write it as name=value.`,
  });
}

const UNREADABLE = Symbol("unreadable");

function coerceValue(text: string, node: SchemaNode, root: SchemaNode): unknown {
  const resolved = resolveReference(node, root);
  const literal = literalsOf(resolved).find(
    (value) => value === text || JSON.stringify(value) === text,
  );
  if (literal !== undefined) return literal;
  const types = typesOf(node, root);
  if (types.size === 0) return parseJson(text) ?? text;
  for (const [type, read] of READERS) {
    if (!types.has(type)) continue;
    const value = read(text);
    if (value !== undefined) return value;
  }
  return types.has("string") ? text : UNREADABLE;
}

// Narrow readings first; text is what remains.
const READERS: readonly (readonly [type: string, read: (text: string) => unknown])[] = [
  ["null", (text) => (text === "null" ? null : undefined)],
  ["boolean", (text) => (text === "true" ? true : text === "false" ? false : undefined)],
  ["integer", readNumber],
  ["number", readNumber],
  ["array", (text) => readJson(text, Array.isArray)],
  [
    "object",
    (text) =>
      readJson(
        text,
        (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      ),
  ],
];

function readNumber(text: string): number | undefined {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return isNumber && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function readJson(text: string, fits: (value: unknown) => boolean): unknown {
  const value = parseJson(text);
  return fits(value) ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller takes the text as it is, or refuses it by name
  }
}

function refusal(text: string, schema: SchemaNode | null, name: string): string {
  const types = [...typesOf(schema?.properties?.[name] ?? {}, schema ?? {})];
  return `"${text}" cannot be read as ${types.join(" or ")}`;
}
