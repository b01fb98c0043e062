import { z } from "zod";
import { Problem } from "./problem.ts";
import { LINE_LIMIT_BYTES } from "./protocol-limits.ts";
import { LINES_MEDIA_TYPE, type RouteSpec } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** The OpenAPI 3.1 document, made from the route table. */
export function openApiDocument(version: string): Record<string, unknown> {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, spec] of Object.entries(ROUTES) as [string, RouteSpec][]) {
    const path = spec.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [spec.method.toLowerCase()]: operation(operationId, spec) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Downbeat API",
      version,
      description:
        "Conducts flow runs. Fields with a `sealed-…` format are end-to-end encrypted: plaintext is refused.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: hoist(paths, schemas),
    components: {
      schemas,
      securitySchemes: { accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

function operation(operationId: string, spec: RouteSpec): Record<string, unknown> {
  const mediaType = spec.lines === undefined ? "application/json" : LINES_MEDIA_TYPE;
  const perLine =
    spec.lines === undefined ? "" : ", a line at a time: the schema is that of one line";
  return {
    operationId,
    summary: spec.summary,
    tags: [spec.tag],
    security: spec.access.includes("public") ? [] : [{ accessToken: [] }],
    "x-access": spec.access,
    "x-tenant": spec.access.includes("public") ? "none" : "workspace of the access token",
    parameters: [...parameters(spec.params, "path"), ...parameters(spec.query, "query")],
    ...(spec.body === undefined
      ? {}
      : {
          requestBody: {
            required: !spec.body.safeParse(undefined).success,
            ...(spec.lines !== undefined && { description: DESCRIBED_LINES }),
            content: { [mediaType]: { schema: json(spec.body, "input") } },
          },
        }),
    responses: {
      [spec.status ?? 200]: {
        description: `Success${perLine}`,
        content: { [mediaType]: { schema: json(spec.response, "output") } },
      },
      default: {
        description: "What went wrong, with a code of docs/errors.md",
        content: { "application/json": { schema: json(Problem, "output") } },
      },
    },
  };
}

const DESCRIBED_LINES = `Any number of lines of JSON (NDJSON); the schema is that of one line, of at most ${LINE_LIMIT_BYTES} bytes. Empty lines are skipped.`;

function parameters(
  schema: z.ZodObject | undefined,
  place: "path" | "query",
): Record<string, unknown>[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === "path" || !(field as z.ZodType).safeParse(undefined).success,
    schema: json(field as z.ZodType, "input"),
  }));
}

function json(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
  });
  return rest;
}

/** Moves what schemas define for themselves to `schemas`: a reference is looked up from the root of the document. */
function hoist(node: unknown, schemas: Record<string, unknown>): unknown {
  if (typeof node === "string") return node.replace(/^#\/\$defs\//, "#/components/schemas/");
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map((item) => hoist(item, schemas));
  const { $defs, ...rest } = node as Record<string, unknown>;
  if ($defs !== undefined) Object.assign(schemas, hoist($defs, schemas));
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, hoist(value, schemas)]),
  );
}
