import { z } from "zod";
import { Problem } from "./problem.ts";
import type { RouteSpec } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** The OpenAPI 3.1 document, made from the route table. */
export function openApiDocument(version: string): Record<string, unknown> {
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
    paths,
    components: {
      securitySchemes: { accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

function operation(operationId: string, spec: RouteSpec): Record<string, unknown> {
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
            required: true,
            content: { "application/json": { schema: json(spec.body, "input") } },
          },
        }),
    responses: {
      [spec.status ?? 200]: {
        description: "Success",
        content: { "application/json": { schema: json(spec.response, "output") } },
      },
      default: {
        description: "What went wrong, with a code of docs/errors.md",
        content: { "application/json": { schema: json(Problem, "output") } },
      },
    },
  };
}

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
