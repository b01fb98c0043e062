import { isKeptText, TEXT_RULE } from "./name-pattern.ts";

/** How many objects and arrays may lie one inside the other. */
export const DEEPEST_JSON = 200;

/** Why the database would not keep a JSON value; undefined when it does. */
export function whyNotKept(root: unknown): string | undefined {
  // A list of what is left, no recursion: that would end where the stack does.
  const left = [{ value: root, depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next;
    if (typeof value === "string" && !isKeptText(value)) return TEXT_RULE;
    if (typeof value !== "object" || value === null) continue;
    if (depth === DEEPEST_JSON) return `goes deeper than ${DEEPEST_JSON} levels`;
    if (!Object.keys(value).every(isKeptText)) return TEXT_RULE;
    for (const inner of Object.values(value)) left.push({ value: inner, depth: depth + 1 });
  }
  return undefined;
}
