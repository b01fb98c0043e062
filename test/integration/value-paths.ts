/** Replaces every value at a path like `items[].chunk`; returns how many there were. */
export function setAt(root: unknown, path: string, value: unknown): number {
  const places = placesOf(root, path);
  for (const { parent, key } of places) parent[key] = value;
  return places.length;
}

/** The values at a path like `items[].chunk`. */
export function valuesAt(root: unknown, path: string): unknown[] {
  return placesOf(root, path).map(({ parent, key }) => parent[key]);
}

type Place = { readonly parent: Record<string, unknown>; readonly key: string };

function placesOf(root: unknown, path: string): Place[] {
  return walk(root, path.replaceAll("[]", ".[]").split("."));
}

function walk(node: unknown, [head = "", ...rest]: readonly string[]): Place[] {
  if (typeof node !== "object" || node === null) return [];
  if (head === "[]") return Object.values(node).flatMap((one) => walk(one, rest));
  if (!Object.hasOwn(node, head)) return [];
  const parent = node as Record<string, unknown>;
  return rest.length > 0 ? walk(parent[head], rest) : [{ parent, key: head }];
}
