import { z } from "zod";
import { boundaryOf, type BoundaryLabel } from "./boundary.ts";

export type LabelledField = { readonly path: string; readonly label: BoundaryLabel | undefined };

/**
 * Walks a schema to its leaves. A leaf is labelled by itself or by the nearest labelled schema around it. Fields whose
 * label is undefined break the build (`test/architecture`).
 */
export function fieldsOf(schema: z.ZodType, path = "", inherited?: BoundaryLabel): LabelledField[] {
  const label = boundaryOf(schema) ?? inherited;
  const children = childrenOf(schema);
  if (children === undefined) return [{ path, label }];
  return children.flatMap(([name, child]) => fieldsOf(child, join(path, name), label));
}

export function unlabelledFields(schema: z.ZodType): string[] {
  return fieldsOf(schema)
    .filter((field) => field.label === undefined)
    .map((field) => field.path);
}

type Child = readonly [name: string, schema: z.ZodType];

// Undefined means: a leaf.
function childrenOf(schema: z.ZodType): Child[] | undefined {
  if (schema instanceof z.ZodObject) return Object.entries(schema.shape) as Child[];
  if (schema instanceof z.ZodArray) return [["[]", schema.element as z.ZodType]];
  if (schema instanceof z.ZodUnion)
    return schema.options.map((option) => ["", option as z.ZodType]);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return [["", schema.unwrap() as z.ZodType]];
  }
  if (schema instanceof z.ZodPipe) return [["", schema.out as z.ZodType]];
  return undefined;
}

function join(path: string, name: string): string {
  if (name === "") return path;
  return path === "" || name === "[]" ? `${path}${name}` : `${path}.${name}`;
}
