import { decodeValue } from "./decode-value.ts";
import { encodeValue, UnencodableValue, ValueTooLarge } from "./encode-value.ts";

/** Turns results into bytes and back. Implement it for values that {@link jsonSerializer} refuses. */
export interface ResultSerializer {
  /** Kept beside the bytes: what one serializer wrote is not given to another. */
  readonly name: string;
  /** `maxBytes`: what takes more is refused afterwards, so an implementation may give up early. */
  serialize(
    value: unknown,
    options: { readonly maxBytes: number },
  ): Uint8Array | Promise<Uint8Array>;
  deserialize(bytes: Uint8Array): unknown;
}

/**
 * JSON that also keeps undefined, NaN, the infinities, -0, BigInt, Date, RegExp, URL, Map, Set, Error, ArrayBuffer, Buffer
 * and typed arrays. Refused, with the path: functions, symbols, instances of other classes, cycles.
 */
export const jsonSerializer: ResultSerializer = {
  name: "json",
  serialize: (value, options) => Buffer.from(JSON.stringify(encodeValue(value, options))),
  deserialize: (bytes) => decodeValue(JSON.parse(Buffer.from(bytes).toString("utf8"))),
};

/** For results that are bytes already (`Uint8Array`, `Buffer`): stored as they are. They come back as a `Buffer`. */
export const bytesSerializer: ResultSerializer = {
  name: "bytes",
  serialize: (value, { maxBytes }) => {
    if (!(value instanceof Uint8Array))
      throw new UnencodableValue("$", `${describe(value)}, and bytesSerializer keeps bytes only`);
    if (value.byteLength > maxBytes) throw new ValueTooLarge(maxBytes);
    return value;
  },
  deserialize: (bytes) => Buffer.from(bytes),
};

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? `an instance of ${value.constructor.name}` : typeof value;
}
