import { PAGE_LIMIT } from "@downbeat/contract";

type PageQuery = { readonly limit: number; readonly cursor: string | undefined };
type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

/** Reads a list to its end, page by page. */
export async function readAll<T>(read: (query: PageQuery) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ limit: PAGE_LIMIT, cursor });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}
