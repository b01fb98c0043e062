import type { Tagged } from "./encode-value.ts";

/** Turns what `encodeValue` made back into the value. @throws Error for a tag of a newer version */
export function decodeValue(encoded: unknown): unknown {
  if (typeof encoded !== "object" || encoded === null) return encoded;
  if (Array.isArray(encoded)) return encoded.map(decodeValue);
  if (!isTagged(encoded)) return decodeProperties(encoded);
  const decode = DECODERS[encoded.$];
  if (decode === undefined)
    throw new Error(`"${encoded.$}" is not a type this version of the SDK can read`);
  return decode(encoded.v as never);
}

// What was encoded with a property of this name of its own is wrapped, so this is one of ours.
function isTagged(encoded: object): encoded is Tagged {
  return Object.hasOwn(encoded, "$");
}

function decodeProperties(encoded: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(encoded).map(([name, value]) => [name, decodeValue(value)]),
  );
}

const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const ERRORS: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

const DECODERS: Readonly<Record<string, (v: never) => unknown>> = {
  undefined: () => undefined,
  number: (name: string) => Number(name),
  bigint: (digits: string) => BigInt(digits),
  object: decodeProperties,
  Date: (ms: number | null) => new Date(ms ?? Number.NaN),
  RegExp: ([source, flags]: [string, string]) => new RegExp(source, flags),
  URL: (href: string) => new URL(href),
  Map: (entries: unknown[]) => new Map(entries.map(decodeValue) as [unknown, unknown][]),
  Set: (values: unknown[]) => new Set(values.map(decodeValue)),
  Error: decodeError,
  Buffer: (text: string) => Buffer.from(text, "base64"),
  ArrayBuffer: decodeBuffer,
  ...Object.fromEntries(
    TYPED_ARRAYS.map((type) => [type.name, (text: string) => new type(decodeBuffer(text))]),
  ),
};

// A buffer of its own: those of `Buffer` share a pool, at offsets that wider elements cannot begin at.
function decodeBuffer(text: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(text, "base64")).buffer;
}

function decodeError(encoded: Record<string, unknown>): Error {
  const { name, message, stack, ...others } = decodeProperties(encoded);
  const error = emptyError(String(name), String(message));
  const hidden = { ...(stack !== undefined && { stack }), ...pick(others, ["cause", "errors"]) };
  if (error.name !== name) Object.assign(hidden, { name });
  for (const [key, value] of Object.entries(hidden))
    Object.defineProperty(error, key, { value, writable: true, configurable: true });
  return Object.assign(error, omit(others, ["cause", "errors"]));
}

function emptyError(name: string, message: string): Error {
  if (name === "AggregateError") return new AggregateError([], message);
  const Class = Object.hasOwn(ERRORS, name) ? ERRORS[name] : undefined;
  return new (Class ?? Error)(message);
}

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
}

function omit(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key)));
}
