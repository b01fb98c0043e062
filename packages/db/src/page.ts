import { DownbeatError } from "@downbeat/contract";

export type Page<T> = { readonly items: T[]; readonly nextCursor: string | null };
export type PageQuery = { readonly limit: number; readonly cursor?: string | undefined };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/**
 * The id after which a page begins; null for the first page.
 *
 * @throws DownbeatError `validation_failed` when the cursor is not one that a page returned.
 */
export function idCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  if (isUuid(cursor)) return cursor;
  throw invalidCursor(cursor);
}

export function invalidCursor(cursor: string): DownbeatError {
  const message = `is not a cursor that a page returned: "${cursor}"`;
  return new DownbeatError("validation_failed", {
    message: `The cursor ${message}.`,
    issues: [{ path: "cursor", message }],
  });
}

/** Prisma arguments for a page, newest first, with one row more than asked to tell whether another page follows. */
export function newestFirst(query: PageQuery): {
  where: { id?: { lt: string } };
  orderBy: { id: "desc" };
  take: number;
} {
  const cursor = idCursor(query.cursor);
  return {
    where: cursor === null ? {} : { id: { lt: cursor } },
    orderBy: { id: "desc" },
    take: query.limit + 1,
  };
}

/** Cuts off the extra row and names the next page. */
export function toPage<R extends { id: string }, T>(
  rows: readonly R[],
  { limit }: PageQuery,
  convert: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const nextCursor = rows.length > limit ? (shown.at(-1)?.id ?? null) : null;
  return { items: shown.map(convert), nextCursor };
}
