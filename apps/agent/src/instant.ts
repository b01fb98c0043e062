/** What a statement calls a time, seconds since 1970, as people read it. */
export function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
