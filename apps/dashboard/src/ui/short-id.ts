/** The part of an id that tells runs of one moment apart: the end, since a UUIDv7 begins with the time. */
export function shortId(id: string): string {
  return id.slice(-8);
}
