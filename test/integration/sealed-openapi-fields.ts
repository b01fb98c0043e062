import type { RouteName } from "@downbeat/contract";

type JsonSchema = {
  readonly format?: string;
  readonly properties?: Record<string, JsonSchema>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
};

type Operation = {
  readonly operationId: RouteName;
  readonly parameters?: readonly { readonly name: string; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonSchema }> };
};

/** Every request field that an OpenAPI document declares sealed, as `[operation, path]`. */
export function sealedFieldsOfDocument(
  document: Record<string, unknown>,
): (readonly [operation: RouteName, path: string])[] {
  const paths = document["paths"] as Record<string, Record<string, Operation>>;
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  return operations.flatMap(({ operationId, parameters = [], requestBody }) => {
    const bodies = Object.values(requestBody?.content ?? {}).map(({ schema }) => schema);
    const found = [
      ...parameters.flatMap(({ name, schema }) => sealedPaths(schema, name)),
      ...bodies.flatMap((schema) => sealedPaths(schema, "")),
    ];
    return [...new Set(found)].map((path) => [operationId, path] as const);
  });
}

function sealedPaths(schema: JsonSchema, path: string): string[] {
  if (schema.format?.startsWith("sealed-") === true) return [path];
  const { properties = {}, items, anyOf = [], oneOf = [], allOf = [] } = schema;
  return [
    ...Object.entries(properties).flatMap(([name, property]) =>
      sealedPaths(property, path === "" ? name : `${path}.${name}`),
    ),
    ...(items === undefined ? [] : sealedPaths(items, `${path}[]`)),
    ...[...anyOf, ...oneOf, ...allOf].flatMap((option) => sealedPaths(option, path)),
  ];
}
