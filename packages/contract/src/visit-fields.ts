import { z } from "zod";
import { boundaryOf, type Boundary } from "./boundary.ts";

/** A field of a value: its path as in `docs/data-boundary.md`, its label, and what stands there. */
export type VisitField = (path: string, boundary: Boundary | "unlabelled", value: unknown) => void;

/** Walks a value along its schema and hands over every field that is there, with its label; null and absent ones are not. */
export function visitFields(schema: z.ZodType, value: unknown, visit: VisitField, path = ""): void {
  walkOf(schema, path)(value, visit);
}

type Walk = (value: unknown, visit: VisitField) => void;
type Place = { readonly path: string; readonly inherited: Boundary | undefined };

const walks = new WeakMap<z.ZodType, Map<string, Walk>>();

// A request of thousands of items is walked along one schema, so what depends on the schema alone is done once.
function walkOf(schema: z.ZodType, path: string): Walk {
  const byPath = walks.get(schema) ?? new Map<string, Walk>();
  walks.set(schema, byPath);
  const walk = byPath.get(path) ?? prepare(schema, { path, inherited: undefined });
  byPath.set(path, walk);
  return walk;
}

function prepare(schema: z.ZodType, { path, inherited }: Place): Walk {
  const label = boundaryOf(schema)?.boundary ?? inherited;
  const here = { path, inherited: label };
  if (schema instanceof z.ZodObject) return ofObject(schema, here);
  if (schema instanceof z.ZodArray) return ofArray(schema, here);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return prepare(schema.unwrap() as z.ZodType, here);
  }
  if (schema instanceof z.ZodUnion) return ofUnion(schema, here);
  return leaf(here);
}

function leaf({ path, inherited }: Place): Walk {
  return (value, visit) => {
    if (value !== undefined && value !== null) visit(path, labelOf(inherited, value), value);
  };
}

// What may be sealed or in clear is one of the two in a given value.
function labelOf(label: Boundary | undefined, value: unknown): Boundary | "unlabelled" {
  return label === "transit" && typeof value === "string" ? "sealed" : (label ?? "unlabelled");
}

function ofObject(schema: z.ZodObject, here: Place): Walk {
  const pathOf = (name: string): string => (here.path === "" ? name : `${here.path}.${name}`);
  const fields = new Map(
    Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => [
      name,
      prepare(field, { ...here, path: pathOf(name) }),
    ]),
  );
  const other = leaf(here);
  return (value, visit) => {
    if (typeof value !== "object" || value === null) return other(value, visit);
    for (const [name, inner] of Object.entries(value)) {
      const field = fields.get(name);
      // What the contract does not know has no label, and must not pass unseen for that.
      if (field === undefined) visit(pathOf(name), "unlabelled", inner);
      else field(inner, visit);
    }
  };
}

function ofArray(schema: z.ZodArray, here: Place): Walk {
  const element = prepare(schema.element as z.ZodType, { ...here, path: `${here.path}[]` });
  const other = leaf(here);
  return (value, visit) => {
    if (!Array.isArray(value)) return other(value, visit);
    for (const inner of value) element(inner, visit);
  };
}

/** The variant that a value is: by its discriminator if there is one, else the first that takes it. */
function ofUnion(union: z.ZodUnion, here: Place): Walk {
  const options = (union.options as readonly z.ZodType[]).map((option) => ({
    option,
    walk: prepare(option, here),
  }));
  const discriminator =
    union instanceof z.ZodDiscriminatedUnion ? union.def.discriminator : undefined;
  const named = new Map(
    options.flatMap(({ option, walk }) =>
      literalsOf(option, discriminator).map((literal) => [literal, walk] as const),
    ),
  );
  const unknown = leaf(here);
  return (value, visit) => {
    if (value === undefined || value === null) return;
    const name =
      discriminator === undefined
        ? undefined
        : (value as Readonly<Record<string, unknown>>)[discriminator];
    const walk =
      named.get(name) ?? options.find(({ option }) => option.safeParse(value).success)?.walk;
    (walk ?? unknown)(value, visit);
  };
}

function literalsOf(option: z.ZodType, discriminator: string | undefined): readonly unknown[] {
  if (discriminator === undefined || !(option instanceof z.ZodObject)) return [];
  const field: unknown = option.shape[discriminator];
  return field instanceof z.ZodLiteral ? [...field.values] : [];
}
