import { SealError } from "./seal-error.ts";

/**
 * JSON with sorted keys and no white space (RFC 8785), so that equal values give equal text.
 *
 * Follows `JSON.stringify` where that keeps values apart: `toJSON` is called, properties that are `undefined` are left
 * out. What it would silently merge with something else (NaN, a Map, `undefined` in an array) is refused, because two
 * different inputs would then share one tag.
 *
 * @throws {SealError} `not_json`, naming the place, never the value.
 */
export function canonicalJson(value: unknown): string {
  return write(value, { path: "$", ancestors: [] });
}

type Place = { readonly path: string; readonly ancestors: readonly object[] };

function write(value: unknown, place: Place): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refusal(String(value), place);
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw refusal(`a value of type ${typeof value}`, place);
  if (place.ancestors.includes(value)) throw refusal("a reference to itself", place);
  return writeObject(value, { path: place.path, ancestors: [...place.ancestors, value] });
}

function writeObject(value: object, place: Place): string {
  if ("toJSON" in value && typeof value.toJSON === "function") return write(value.toJSON(), place);
  if (Array.isArray(value)) {
    // Not `map`: it would skip holes.
    const items = Array.from(value, (item, index) => write(item, at(place, String(index))));
    return `[${items.join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw refusal(`a ${value.constructor.name}`, place);
  }
  // Code units, not locale: the order must be the same on every machine.
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member, at(place, key))}`);
  return `{${members.join(",")}}`;
}

function at(place: Place, key: string): Place {
  return { path: `${place.path}.${key}`, ancestors: place.ancestors };
}

function refusal(what: string, place: Place): SealError {
  return new SealError(
    "not_json",
    `${place.path} holds ${what}, which JSON cannot tell from other values; convert it first.`,
  );
}
