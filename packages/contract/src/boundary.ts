import { z } from "zod";

/**
 * Where a field may be seen: `plain` by everyone, `sealed` only by holders of the workspace key, `transit` the same unless
 * the deployment lets callers send it in clear, `local` never on the wire at all. `docs/data-boundary.md` is generated from
 * these labels.
 */
export type Boundary = "plain" | "sealed" | "transit" | "local";

export type BoundaryLabel = { readonly boundary: Boundary; readonly note?: string };

const labels = z.registry<BoundaryLabel>();

/** Marks a schema as metadata that the hosted plane may read. */
export function plain<S extends z.ZodType>(schema: S, note?: string): S {
  return label(schema, "plain", note);
}

/** Marks a schema as end-to-end encrypted; used through {@link sealed} in `sealed.ts`. */
export function labelSealed<S extends z.ZodType>(schema: S, note?: string): S {
  return label(schema, "sealed", note);
}

/** Marks a schema as sealed, or in clear where the deployment says so; used through `sealedOrClear` in `transit.ts`. */
export function labelTransit<S extends z.ZodType>(schema: S, note?: string): S {
  return label(schema, "transit", note);
}

/** Marks a schema as something that is kept on the customer's machine and never sent. */
export function local<S extends z.ZodType>(schema: S, note?: string): S {
  return label(schema, "local", note);
}

/** The label of this very schema, or undefined when it carries none of its own. */
export function boundaryOf(schema: z.ZodType): BoundaryLabel | undefined {
  return labels.get(schema);
}

// A registry entry belongs to one instance and does not follow `.optional()`, so a wrapper is looked through by the
// walker in `unlabelled-fields.ts`, never by copying labels around.
function label<S extends z.ZodType>(schema: S, boundary: Boundary, note: string | undefined): S {
  labels.add(schema, note === undefined ? { boundary } : { boundary, note });
  return schema;
}
