import { DownbeatError } from "@downbeat/contract/errors";

// Deeper than any parameters people write; JSON.stringify would end a deep list with a stack overflow.
const DEEPEST = 200;

/**
 * The JSON text of a value that comes out of it as it went in. Properties that are undefined are left out.
 *
 * @param where what the value is called in a message: `parameters`, `args[0]`
 * @throws DownbeatError `parameters_invalid` naming the path of what JSON cannot carry
 */
export function jsonText(where: string, value: unknown): string {
  check(where, value, []);
  return JSON.stringify(value);
}

function check(path: string, value: unknown, around: readonly object[]): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value !== "object") throw unfit(path, nameOf(value));
  if (around.includes(value)) throw unfit(path, "a reference back to an object around it");
  if (around.length >= DEEPEST) throw unfit(path, `nested deeper than ${DEEPEST} levels`);
  const inside = [...around, value];
  if (Array.isArray(value)) {
    value.forEach((item, index) => check(`${path}[${index}]`, item, inside));
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw unfit(path, nameOf(value));
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) check(`${path}.${key}`, item, inside);
  }
}

function nameOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return `of type ${typeof value}`;
  return `an instance of ${value.constructor?.name ?? "a class"}`;
}

function unfit(path: string, what: string): DownbeatError {
  const message = `${path} is ${what}, which JSON cannot carry`;
  return new DownbeatError("parameters_invalid", { message, issues: [{ path, message }] });
}
