import { expect, it } from "vitest";
import { LineSplitter, type Line } from "./line-splitter.ts";

const LIMIT_BYTES = 20;

function linesOf(chunks: readonly (string | Buffer)[], splitter = new LineSplitter(LIMIT_BYTES)) {
  const lines: string[] = [];
  const note = (line: Line | undefined): boolean => {
    if (line !== undefined) lines.push(line === "too long" ? line : line.bytes.toString());
    return line !== undefined;
  };
  for (const chunk of chunks) {
    splitter.add(Buffer.from(chunk));
    while (note(splitter.next())) continue;
  }
  while (note(splitter.last())) continue;
  return lines;
}

it("finds the same lines wherever the bytes are cut", () => {
  const bytes = Buffer.from(`{"tag":"😀€ä"}\n\n[1]\r\n${"y".repeat(21)}\nlast`);
  const lines = ['{"tag":"😀€ä"}', "", "[1]\r", "too long", "last"];
  expect(linesOf([bytes])).toEqual(lines);
  expect(linesOf([...bytes].map((byte) => Buffer.of(byte)))).toEqual(lines);
  for (let at = 0; at <= bytes.length; at += 1)
    expect(linesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(lines);
});

it("takes a line as long as the limit, and nothing after the last line end for none", () => {
  expect(linesOf([`${"x".repeat(LIMIT_BYTES)}\n`])).toEqual(["x".repeat(LIMIT_BYTES)]);
  expect(linesOf([`${"x".repeat(LIMIT_BYTES)}`])).toEqual(["x".repeat(LIMIT_BYTES)]);
  expect(linesOf([])).toEqual([]);
});

it("keeps nothing of a line that is too long, however long it becomes", () => {
  const splitter = new LineSplitter(LIMIT_BYTES);
  for (let at = 0; at < 100; at += 1) {
    splitter.add(Buffer.from("xxxxxxx"));
    expect(splitter.next()).toBeUndefined();
    expect(splitter.heldBytes).toBeLessThanOrEqual(LIMIT_BYTES);
  }
  expect(splitter.heldBytes).toBe(0);
  expect(linesOf(["x\nnext"], splitter)).toEqual(["too long", "next"]);
});
