import type { ErrorIssue } from "@downbeat/contract/errors";
import type { z } from "zod";

/** What zod found wrong, with paths as people write them: `rows[3].name`. */
export function issuesOf(error: z.ZodError): ErrorIssue[] {
  return error.issues.map((issue) => ({ path: pathOf(issue), message: issue.message }));
}

function pathOf(issue: z.core.$ZodIssue): string {
  return issue.path.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return path === "" ? String(key) : `${path}.${String(key)}`;
  }, "");
}
