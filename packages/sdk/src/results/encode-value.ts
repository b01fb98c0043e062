import { types } from "node:util";

/** Something JSON has no form for, as JSON: what it is, and its content. */
export type Tagged = { readonly $: string; readonly v?: unknown };

export type EncodeOptions = {
  /** Gives up, early, when the encoded value would take more; counted from below, so the text may still be larger. */
  readonly maxBytes: number;
  /** For hashing: properties in order of their names, and errors without stacks. Default false. */
  readonly canonical?: boolean;
};

/** Part of a value cannot be encoded. `path` begins with `$`, the value itself. */
export class UnencodableValue extends Error {
  readonly path: string;
  readonly what: string;

  constructor(path: string, what: string) {
    super(`${path} is ${what}`);
    this.name = "UnencodableValue";
    this.path = path;
    this.what = what;
  }
}

/** The value takes more than the bytes allowed. */
export class ValueTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.name = "ValueTooLarge";
  }
}

// Far more than data has, far less than overflows the stack.
const DEEPEST = 1_000;

/**
 * Turns a value into one that `JSON.stringify` keeps: plain data as it is, richer values as {@link Tagged}. Kept are
 * undefined, NaN, the infinities, -0, BigInt, Date, RegExp, URL, Map, Set, Error (with cause, errors and own properties;
 * the class becomes a name), ArrayBuffer, Buffer and typed arrays.
 *
 * @throws UnencodableValue for a function, a symbol, an instance of another class, a cycle; ValueTooLarge
 */
export function encodeValue(value: unknown, options: EncodeOptions): unknown {
  return new Encoder(options).encode(value);
}

type Rich = {
  readonly is: (value: object) => boolean;
  readonly encode: (value: never, encoder: Encoder) => Tagged;
};

class Encoder {
  readonly canonical: boolean;
  readonly #maxBytes: number;
  #bytesLeft: number;
  readonly #path: (string | number)[] = [];
  readonly #ancestors = new Set<object>();

  constructor({ maxBytes, canonical = false }: EncodeOptions) {
    this.#maxBytes = maxBytes;
    this.#bytesLeft = maxBytes;
    this.canonical = canonical;
  }

  encode(value: unknown): unknown {
    this.#spend(1);
    switch (typeof value) {
      case "boolean":
        return value;
      case "string":
        this.#spend(value.length);
        return value;
      case "number":
        return isJsonNumber(value) ? value : { $: "number", v: nameOf(value) };
      case "bigint":
        return { $: "bigint", v: this.text(String(value)) };
      case "undefined":
        return { $: "undefined" };
      case "object":
        return value === null ? null : this.#object(value);
      default:
        throw this.refusal(typeof value === "function" ? "a function" : "a symbol");
    }
  }

  /** Encodes a part, whose place in the whole is named by `step`. */
  at(step: string | number, value: unknown): unknown {
    this.#path.push(step);
    const encoded = this.encode(value);
    this.#path.pop();
    return encoded;
  }

  list(values: Iterable<unknown>): unknown[] {
    return Array.from(values, (value, index) => this.at(index, value));
  }

  properties(value: object): Record<string, unknown> {
    const names = Object.keys(value);
    if (this.canonical) names.sort();
    return Object.fromEntries(
      names.map((name) => {
        this.#spend(name.length + 4);
        return [name, this.at(name, (value as Record<string, unknown>)[name])];
      }),
    );
  }

  text(text: string): string {
    this.#spend(text.length);
    return text;
  }

  /** Counts bytes before they are made: what is too large is not copied first. */
  reserve(bytes: number): void {
    this.#spend(bytes);
  }

  refusal(what: string): UnencodableValue {
    return new UnencodableValue(pathText(this.#path), what);
  }

  #object(value: object): unknown {
    if (this.#ancestors.has(value)) throw this.refusal("a reference back to what holds it");
    if (this.#ancestors.size >= DEEPEST) throw this.refusal(`more than ${DEEPEST} levels deep`);
    this.#ancestors.add(value);
    const encoded = this.#known(value);
    this.#ancestors.delete(value);
    return encoded;
  }

  #known(value: object): unknown {
    if (Array.isArray(value)) return this.list(value);
    const rich = RICH.find(({ is }) => is(value));
    if (rich !== undefined) return rich.encode(value as never, this);
    if (!isPlain(value)) throw this.refusal(`an instance of ${value.constructor.name}`);
    const properties = this.properties(value);
    return Object.hasOwn(properties, "$") ? { $: "object", v: properties } : properties;
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw new ValueTooLarge(this.#maxBytes);
  }
}

const RICH: readonly Rich[] = [
  {
    is: types.isDate,
    encode: (date: Date) => ({ $: "Date", v: finiteOrNull(date.getTime()) }),
  },
  {
    is: types.isMap,
    encode: (map: Map<unknown, unknown>, encoder) => ({
      $: "Map",
      v: [...map].map((entry, index) => encoder.at(index, entry)),
    }),
  },
  {
    is: types.isSet,
    encode: (set: Set<unknown>, encoder) => ({ $: "Set", v: encoder.list(set) }),
  },
  {
    is: types.isRegExp,
    encode: ({ source, flags }: RegExp) => ({ $: "RegExp", v: [source, flags] }),
  },
  {
    is: (value) => value instanceof URL,
    encode: (url: URL, encoder) => ({ $: "URL", v: encoder.text(url.href) }),
  },
  {
    is: types.isNativeError,
    encode: (error: Error, encoder) => ({ $: "Error", v: errorParts(error, encoder) }),
  },
  {
    is: types.isTypedArray,
    encode: (array: NodeJS.TypedArray, encoder) => ({
      $: Buffer.isBuffer(array) ? "Buffer" : array[Symbol.toStringTag],
      v: base64(array, encoder),
    }),
  },
  {
    is: types.isAnyArrayBuffer,
    encode: (buffer: ArrayBuffer, encoder) => ({
      $: "ArrayBuffer",
      v: base64(new Uint8Array(buffer), encoder),
    }),
  },
];

function errorParts(error: Error, encoder: Encoder): Record<string, unknown> {
  const { name, message, stack } = error;
  const listed = error instanceof AggregateError ? { errors: error.errors as unknown[] } : {};
  const caused = Object.hasOwn(error, "cause") ? { cause: error.cause } : {};
  const traced = encoder.canonical ? {} : { stack };
  const own = Object.fromEntries(Object.entries(error));
  return encoder.properties({ ...own, ...listed, ...caused, ...traced, name, message });
}

function base64(bytes: ArrayBufferView, encoder: Encoder): string {
  const { buffer, byteOffset, byteLength } = bytes;
  encoder.reserve(Math.ceil(byteLength / 3) * 4);
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function nameOf(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

// By shape, not identity: objects of another realm (a vm context, a test runner) are plain too.
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function pathText(steps: readonly (string | number)[]): string {
  const text = steps.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return `$${text.join("")}`;
}
