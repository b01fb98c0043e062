import { z } from "zod";
import { boundaryOf, type Boundary } from "./boundary.ts";

/** A field of a value: its path as in `docs/data-boundary.md`, its label, and what stands there. */
export type VisitField = (path: string, boundary: Boundary | "unlabelled", value: unknown) => void;

/** Walks a value along its schema and hands over every field that is there, with its label; null and absent ones are not. */
export function visitFields(schema: z.ZodType, value: unknown, visit: VisitField, path = ""): void {
  walk({ schema, value, path, inherited: undefined }, visit);
}

type Step = {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly path: string;
  readonly inherited: Boundary | undefined;
};

function walk({ schema, value, path, inherited }: Step, visit: VisitField): void {
  if (value === undefined || value === null) return;
  const label = boundaryOf(schema)?.boundary ?? inherited;
  const on = (next: z.ZodType, inner: unknown, where: string): void =>
    walk({ schema: next, value: inner, path: where, inherited: label }, visit);
  if (schema instanceof z.ZodObject && typeof value === "object") {
    const shape = schema.shape as Record<string, z.ZodType>;
    for (const [name, inner] of Object.entries(value)) {
      const field = shape[name];
      const where = path === "" ? name : `${path}.${name}`;
      // What the contract does not know has no label, and must not pass unseen for that.
      if (field === undefined) visit(where, "unlabelled", inner);
      else on(field, inner, where);
    }
  } else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const inner of value) on(schema.element as z.ZodType, inner, `${path}[]`);
  } else if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    on(schema.unwrap() as z.ZodType, value, path);
  } else if (schema instanceof z.ZodUnion) {
    on(optionFor(schema, value), value, path);
  } else visit(path, label ?? "unlabelled", value);
}

/** The variant that a value is: by its discriminator if there is one, else the first that takes it. */
function optionFor(union: z.ZodUnion, value: unknown): z.ZodType {
  const options = union.options as readonly z.ZodType[];
  const named =
    union instanceof z.ZodDiscriminatedUnion ? byDiscriminator(union, value) : undefined;
  return named ?? options.find((option) => option.safeParse(value).success) ?? z.unknown();
}

function byDiscriminator(union: z.ZodDiscriminatedUnion, value: unknown): z.ZodType | undefined {
  const { discriminator } = union.def;
  const asked = (value as Record<string, unknown>)[discriminator];
  return (union.options as readonly z.ZodType[]).find((option) => {
    const field: unknown = option instanceof z.ZodObject ? option.shape[discriminator] : undefined;
    return field instanceof z.ZodLiteral && field.values.has(asked as string);
  });
}
