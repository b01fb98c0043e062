/** The properties of a plain object, read through descriptors: looking at arguments must not run a user's getter. */
export function plainEntries(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  return Object.entries(Object.getOwnPropertyDescriptors(value)).map(
    ([key, property]) => [key, property.value as unknown] as const,
  );
}
