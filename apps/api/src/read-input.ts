import { DownbeatError, type ErrorIssue, type RouteSpec } from "@downbeat/contract";
import { z } from "zod";
import { findForeignSeals, sealedFieldsOf } from "./sealed-fields.ts";

export type RawInput = {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
};

/** Checks the parts of a request against a route's schemas; made once per route. */
export type ReadInput = (raw: RawInput, workspaceId: string | undefined) => RawInput;

type InputSpec = {
  readonly [P in "params" | "query" | "body" | "lines"]?: RouteSpec[P] | undefined;
};

const NOTHING = z.strictObject({});

/**
 * Makes the reader of a route's input. It parses each part once, refuses unknown fields, and refuses sealed fields that
 * hold something else or that were sealed for another workspace.
 *
 * The reader throws {@link DownbeatError} validation_failed or plaintext_refused, naming the fields in `issues`.
 */
export function inputReader(spec: InputSpec): ReadInput {
  const { params, query, body } = spec;
  const seals = body === undefined ? undefined : sealedFieldsOf(body);
  const whole = spec.lines === undefined ? "The body" : "The line";
  return (raw, workspaceId) => {
    const input = {
      params: parseFields(params, raw.params ?? {}),
      query: parseFields(query, raw.query ?? {}),
      body: parsePart(body ?? NOTHING, body === undefined ? (raw.body ?? {}) : raw.body, whole),
    };
    if (seals !== undefined && workspaceId !== undefined) {
      refuse("plaintext_refused", findForeignSeals(seals, input.body, workspaceId), whole);
    }
    return input;
  };
}

// Most routes take no query, and many no parameters: they are given nothing, and there is nothing to parse.
function parseFields(schema: z.ZodType | undefined, fields: unknown): unknown {
  if (schema === undefined && Object.keys(Object(fields)).length === 0) return {};
  return parsePart(schema ?? NOTHING, fields);
}

function parsePart(schema: z.ZodType, value: unknown, whole = "The body"): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap(flatten);
  const plaintext = issues.filter((issue) => isPlaintext(issue));
  refuse("plaintext_refused", plaintext.map(toErrorIssue), whole);
  refuse("validation_failed", issues.map(toErrorIssue), whole);
  throw parsed.error;
}

type Issue = z.core.$ZodIssue;

// An unknown field and a union that matches nowhere each become issues that name the field itself.
function flatten(issue: Issue): Issue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      ...issue,
      path: [...issue.path, key],
      message: "is not a field of this request",
    }));
  }
  if (issue.code === "invalid_union") {
    const nearest = issue.errors.toSorted((a, b) => a.length - b.length)[0];
    if (nearest !== undefined)
      return nearest
        .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
        .flatMap(flatten);
  }
  return [issue];
}

function isPlaintext(issue: Issue): boolean {
  return issue.code === "custom" && issue.params?.["code"] === "plaintext_refused";
}

function toErrorIssue(issue: Issue): ErrorIssue {
  return { path: issue.path.map(String).join("."), message: issue.message };
}

function refuse(
  code: "plaintext_refused" | "validation_failed",
  issues: readonly ErrorIssue[],
  whole: string,
): void {
  const [first] = issues;
  if (first === undefined) return;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more in \`issues\`)` : "";
  const where = first.path === "" ? whole : `\`${first.path}\``;
  throw new DownbeatError(code, {
    message: `${where}: ${first.message}${more}.`,
    issues: issues.slice(0, 50),
  });
}
