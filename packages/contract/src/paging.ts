import { z } from "zod";
import { plain } from "./boundary.ts";
import { Cursor } from "./identifiers.ts";

export const PAGE_LIMIT = 200;

/** Query parameters every list takes. Newest first; pass `nextCursor` of one page to get the next. */
export const pageQuery = {
  limit: plain(z.coerce.number().int().min(1).max(PAGE_LIMIT)).default(50),
  cursor: Cursor.optional(),
};

/** A page of items; `nextCursor` is null on the last one. */
export function pageOf<S extends z.ZodType>(
  item: S,
): z.ZodObject<{ items: z.ZodArray<S>; nextCursor: z.ZodNullable<typeof Cursor> }> {
  return z.strictObject({ items: z.array(item), nextCursor: Cursor.nullable() });
}
