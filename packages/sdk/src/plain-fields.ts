import { toErrorRecord } from "./error-record.ts";
import { withoutSecrets } from "./secret.ts";

const DEEPEST = 6;
const MOST_ENTRIES = 200;
const LONGEST_TEXT = 8_192;

/** A copy of log fields that any serialiser takes: no functions, no cycles, no bigints, of bounded size. */
export function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
  const copy = plain(fields, DEEPEST);
  return typeof copy === "object" && copy !== null
    ? (copy as Record<string, unknown>)
    : { value: copy };
}

function plain(value: unknown, depthLeft: number): unknown {
  switch (typeof value) {
    case "boolean":
    case "undefined":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "string":
      return plainText(value);
    case "object":
      return value === null ? null : plainObject(value, depthLeft);
    default:
      return plainText(String(value));
  }
}

function plainObject(value: object, depthLeft: number): unknown {
  try {
    if (value instanceof Date)
      return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    if (value instanceof Error) return toErrorRecord(value);
    if (depthLeft === 0) return "…";
    if (value instanceof Set) return plainList([...value], depthLeft);
    if (value instanceof Map) return plainEntries([...value], depthLeft);
    return Array.isArray(value)
      ? plainList(value, depthLeft)
      : plainEntries(Object.entries(value), depthLeft);
  } catch {
    return "(unreadable)"; // a getter of the user's threw; a log line must not
  }
}

function plainText(text: string): string {
  const kept = withoutSecrets(text);
  return kept.length <= LONGEST_TEXT ? kept : `${kept.slice(0, LONGEST_TEXT)}…`;
}

function plainList(list: readonly unknown[], depthLeft: number): unknown[] {
  return list.slice(0, MOST_ENTRIES).map((entry) => plain(entry, depthLeft - 1));
}

function plainEntries(
  entries: readonly [unknown, unknown][],
  depthLeft: number,
): Record<string, unknown> {
  const kept = entries.slice(0, MOST_ENTRIES);
  return Object.fromEntries(
    kept.map(([key, entry]) => [withoutSecrets(String(key)), plain(entry, depthLeft - 1)]),
  );
}
