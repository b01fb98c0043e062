import type { EgressEntry, EgressField } from "@downbeat/contract";

/** One kind of field over all requests of a route. */
export type FieldTotal = Pick<EgressField, "path" | "boundary" | "count" | "bytes"> & {
  /** As in `docs/data-boundary.md`: `POST /v1/agent/report`. */
  readonly route: string;
  readonly lastSentAt: string;
};

/** Adds up what was sent, field by field, in order of route and path. */
export function sumUpLedger(entries: readonly EgressEntry[]): FieldTotal[] {
  const totals = new Map<string, FieldTotal>();
  for (const { method, path: place, at, fields } of entries) {
    const route = `${method} ${place}`;
    for (const { path, boundary, count, bytes } of fields) {
      const key = `${route} ${path} ${boundary}`;
      const known = totals.get(key) ?? { count: 0, bytes: 0 };
      totals.set(key, {
        route,
        path,
        boundary,
        lastSentAt: at,
        count: known.count + count,
        bytes: known.bytes + bytes,
      });
    }
  }
  return [...totals.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
}
