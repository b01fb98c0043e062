import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";
import { bytesSerializer, jsonSerializer } from "./serializer.ts";

const roundTrip = (value: unknown) =>
  jsonSerializer.deserialize(jsonSerializer.serialize(value, { maxBytes: 1e6 }) as Uint8Array);

describe("jsonSerializer", () => {
  it.each<[string, unknown]>([
    ["plain data", { a: [1, "two", true, null], b: { c: -1.5e300 } }],
    ["undefined", undefined],
    ["undefined inside", { gone: undefined, list: [undefined, 1] }],
    ["numbers JSON lacks", [Number.NaN, Infinity, -Infinity, -0]],
    ["bigints", [0n, -(2n ** 200n)]],
    ["dates", [new Date("2014-07-01T12:34:56.789Z"), new Date(Number.NaN)]],
    [
      "maps",
      new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1])],
        ["b", undefined],
      ]),
    ],
    ["sets", new Set(["a", 1, Number.NaN])],
    ["regular expressions", /a\/[b]+/giu],
    ["URLs", new URL("https://example.org/a?b=c#d")],
    ["buffers", Buffer.from([0, 1, 255])],
    [
      "typed arrays",
      [new Float64Array([1.5, Number.NaN]), new BigInt64Array([-1n]), new Uint16Array(3)],
    ],
    ["part of a buffer", new Uint32Array(new ArrayBuffer(16), 4, 2)],
    ["array buffers", new Uint8Array([1, 2, 3]).buffer],
    ["objects that look like ours", { $: "Date", v: 0, nested: { $: { $: 1 } } }],
    ["a property called __proto__", JSON.parse('{"__proto__": {"polluted": true}}')],
  ])("keeps %s", (_, value) => {
    expect(roundTrip(value)).toEqual(value);
    expect((Object.prototype as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("keeps any data whatever", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: false,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundTrip(value)).toEqual(value);
      }),
    );
  });

  it("keeps errors with class names, causes and what was put on them", () => {
    class RowError extends Error {
      override name = "RowError";
      row = 7;
    }
    const cause = new TypeError("no title");
    const error = roundTrip(new RowError("bad row", { cause })) as RowError;
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "RowError", message: "bad row", row: 7 });
    expect(error.stack).toContain("encode-value.test.ts");
    expect(error.cause).toBeInstanceOf(TypeError);
    for (const name of ["constructor", "toString"]) {
      const odd = roundTrip(Object.assign(new Error("odd"), { name })) as Error;
      expect(odd).toBeInstanceOf(Error);
      expect(odd).toMatchObject({ name, message: "odd" });
    }
    const many = roundTrip(new AggregateError([new RangeError("one")], "all")) as AggregateError;
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors[0]).toEqual(new RangeError("one"));
  });

  it("takes plain objects of another realm for plain", () => {
    expect(roundTrip(runInNewContext("({ a: [1, new Date(0)] })"))).toEqual({
      a: [1, new Date(0)],
    });
  });

  class Client {}
  const cyclic: Record<string, unknown> = { name: "loop" };
  cyclic["self"] = { list: [cyclic] };
  it.each<[string, unknown, string]>([
    ["functions", { rows: [{ parse: () => 1 }] }, "$.rows[0].parse is a function"],
    ["symbols", Symbol("x"), "$ is a symbol"],
    [
      "instances of classes",
      { "my client": new Client() },
      '$["my client"] is an instance of Client',
    ],
    ["promises", [Promise.resolve(1)], "$[0] is an instance of Promise"],
    ["cycles", cyclic, "$.self.list[0] is a reference back to what holds it"],
    [
      "what hides in a map",
      new Map([["k", [new WeakMap()]]]),
      "$[0][1][0] is an instance of WeakMap",
    ],
  ])("refuses %s, naming the path", (_, value, message) => {
    expect(() => roundTrip(value)).toThrow(message);
  });

  it("refuses what is nested too deep, and takes the same object twice", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => roundTrip(deep)).toThrow("more than 1000 levels deep");
    const shared = { a: 1 };
    expect(roundTrip([shared, shared])).toEqual([shared, shared]);
  });

  it("gives up early on a value that is small in memory and enormous when written out", () => {
    let doubled: unknown = "x".repeat(100);
    for (let level = 0; level < 60; level += 1) doubled = [doubled, doubled];
    expect(() => roundTrip(doubled)).toThrow("more than 1000000 bytes");
  });
});

it("hashes equal values alike, whatever the order of their properties", () => {
  const canonical = (value: unknown) =>
    JSON.stringify(encodeValue(value, { maxBytes: 1e6, canonical: true }));
  expect(canonical({ a: 1, b: { d: 1, c: 2 } })).toBe(canonical({ b: { c: 2, d: 1 }, a: 1 }));
  expect(canonical(new Error("x"))).toBe(canonical(new Error("x")));
  expect(canonical([1, "1"])).not.toBe(canonical(["1", 1]));
  expect(canonical([undefined])).not.toBe(canonical([null]));
});

it("names a type that a newer version may have written", () => {
  expect(() => decodeValue({ $: "Temporal" })).toThrow('"Temporal"');
});

it("bytesSerializer keeps bytes as they are and nothing else", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await bytesSerializer.serialize(bytes, { maxBytes: 3 })).toBe(bytes);
  expect(bytesSerializer.deserialize(bytes)).toEqual(Buffer.from(bytes));
  expect(() => bytesSerializer.serialize(bytes, { maxBytes: 2 })).toThrow("more than 2 bytes");
  expect(() => bytesSerializer.serialize("text", { maxBytes: 9 })).toThrow("$ is string, and");
});
