import { Validator, type OutputUnit } from "@cfworker/json-schema";
import { DownbeatError, type ErrorIssue } from "@downbeat/contract/errors";

export type CheckOptions = {
  /** Missing parameters are fine: defaults that cannot be read here may supply them. */
  readonly partial?: boolean;
};

/** As much of a JSON Schema as is looked at here; the validator reads the rest. */
type ObjectSchema = {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: unknown;
  readonly additionalProperties?: unknown;
};

/**
 * Checks parameters against the flow's schema before they are sealed, since afterwards only the agent can.
 *
 * @throws {DownbeatError} `parameters_invalid`; each issue names its parameter
 */
export function checkParameters(
  flowName: string,
  parameters: Record<string, unknown>,
  schema: ObjectSchema | null,
  options: CheckOptions = {},
): void {
  if (schema === null) return;
  const issues = [
    ...unknownParameters(parameters, schema),
    ...schemaIssues(parameters, schema, options),
  ];
  if (issues.length === 0) return;
  throw new DownbeatError("parameters_invalid", {
    message: `The parameters do not fit flow "${flowName}".`,
    issues,
  });
}

/** A misspelt name would otherwise be dropped in silence and a default be used in its place. */
function unknownParameters(
  parameters: Record<string, unknown>,
  schema: ObjectSchema,
): ErrorIssue[] {
  if (schema.properties === undefined) return [];
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) return [];
  const known = Object.keys(schema.properties);
  return Object.keys(parameters)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: name,
      message: `there is no such parameter; there are ${known.join(", ") || "none"}`,
    }));
}

function schemaIssues(
  parameters: Record<string, unknown>,
  schema: ObjectSchema,
  { partial = false }: CheckOptions,
): ErrorIssue[] {
  const { required: _, ...withoutRequired } = schema;
  const applied = { ...(partial ? withoutRequired : schema), additionalProperties: true };
  // All errors, not only the first: a person corrects them in one go.
  const result = new Validator(applied as object, "2020-12", false).validate(parameters);
  return leaves(result.errors).map(issueOf);
}

/** The validator also reports every object on the way to an error; only the innermost says what is wrong. */
function leaves(errors: readonly OutputUnit[]): OutputUnit[] {
  return errors.filter(
    (error) =>
      !WRAPPERS.has(error.keyword) ||
      !errors.some(
        (other) => other !== error && isInside(other.instanceLocation, error.instanceLocation),
      ),
  );
}

const WRAPPERS = new Set(["properties", "items", "prefixItems", "anyOf", "oneOf", "allOf", "$ref"]);

function isInside(location: string, ancestor: string): boolean {
  return location.startsWith(`${ancestor}/`);
}

function issueOf({ instanceLocation, keyword, error }: OutputUnit): ErrorIssue {
  const missing = keyword === "required" ? /"([^"]+)"/.exec(error)?.[1] : undefined;
  const path = [
    ...instanceLocation.split("/").slice(1),
    ...(missing === undefined ? [] : [missing]),
  ].join(".");
  return { path, message: missing === undefined ? lowerFirst(error) : "is required" };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}
