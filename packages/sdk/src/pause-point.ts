import type { ErrorIssue } from "@downbeat/contract/errors";
import { DownbeatError } from "@downbeat/contract/errors";
import type { z } from "zod";
import { issuesOf } from "./zod-issues.ts";

/** Where a flow waits for a person, as its host is told. */
export type PausePoint = {
  readonly key: string;
  /** JSON Schema of the input, without defaults and examples; null: it takes none. */
  readonly inputSchema: Record<string, unknown> | null;
  readonly timeoutSeconds: number | null;
  readonly onTimeout: "fail" | "resume";
};

/** What someone gave does not fit the schema of the pause point. */
export class InputError extends DownbeatError {
  constructor(key: string, issues: readonly ErrorIssue[], cause: unknown) {
    const named = issues.map(({ path, message }) => `${path === "" ? "it" : path}: ${message}`);
    super("parameters_invalid", {
      message: `the input given to the pause "${key}" does not fit: ${named.join("; ")}`,
      issues,
      cause,
    });
    this.name = "InputError";
  }
}

/** @throws InputError */
export async function checkInput(
  key: string,
  schema: z.ZodType | undefined,
  input: unknown,
): Promise<unknown> {
  if (schema === undefined || input === null) return null;
  const parsed = await schema.safeParseAsync(input);
  if (parsed.success) return parsed.data;
  throw new InputError(key, issuesOf(parsed.error), parsed.error);
}
