/** As much of JSON Schema as the command needs to understand `-p name=value`. */
export type SchemaNode = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
};

/** Follows a local `$ref` such as `#/$defs/Day`; a reference that leads nowhere stands for anything. */
export function resolveReference(node: SchemaNode, root: SchemaNode): SchemaNode {
  const name = /^#\/\$defs\/(.+)$/.exec(node.$ref ?? "")?.[1];
  return name === undefined ? node : (root.$defs?.[name] ?? {});
}

/** Every JSON type this node lets through; empty when it does not say. */
export function typesOf(node: SchemaNode, root: SchemaNode): Set<string> {
  const resolved = resolveReference(node, root);
  const types = new Set(
    typeof resolved.type === "string" ? [resolved.type] : (resolved.type ?? []),
  );
  for (const value of literalsOf(resolved)) types.add(jsonTypeOf(value));
  for (const part of [
    ...(resolved.anyOf ?? []),
    ...(resolved.oneOf ?? []),
    ...(resolved.allOf ?? []),
  ]) {
    if (part !== node) for (const type of typesOf(part, root)) types.add(type);
  }
  return types;
}

/** The values of `enum` and `const`. */
export function literalsOf(node: SchemaNode): readonly unknown[] {
  return [...(node.enum ?? []), ...(node.const === undefined ? [] : [node.const])];
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}
