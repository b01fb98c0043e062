import { describe, expect, test } from "vitest";
import { formatByteSize, sealedByteSize } from "./byte-size.ts";
import { formatCountdown, formatDuration, formatRelative } from "./duration.ts";
import { cleanLogText, oneLine } from "./one-line.ts";

describe("durations", () => {
  test.each([
    [-5, "0 ms"],
    [0, "0 ms"],
    [840, "840 ms"],
    [2_140, "2.1 s"],
    [59_949, "59.9 s"],
    [59_960, "1 m 00 s"],
    [124_000, "2 m 04 s"],
    [3_599_600, "1 h 00 m"],
    [12_000_000, "3 h 20 m"],
    [90_000_000, "1 d 01 h"],
  ])("%d ms reads %j", (durationMs, words) => {
    expect(formatDuration(durationMs)).toBe(words);
  });

  test.each([
    [999, "just now"],
    [12_400, "12 s ago"],
    [-180_000, "in 3 min"],
    [7_300_000, "2 h ago"],
    [5 * 86_400_000, "5 d ago"],
  ])("%d ms before now reads %j", (beforeMs, words) => {
    expect(formatRelative(1_000_000_000 - beforeMs, 1_000_000_000)).toBe(words);
  });

  test("a countdown never goes below zero and shows the second that has begun", () => {
    expect([872_000, 871_001, 59_000, 1, 0, -4].map(formatCountdown)).toEqual([
      "14:32",
      "14:32",
      "0:59",
      "0:01",
      "0:00",
      "0:00",
    ]);
  });
});

describe("sizes", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [2_096, "2.1 kB"],
    [9_960, "10 kB"],
    [34_200, "34 kB"],
    [1_200_000, "1.2 MB"],
  ])("%d bytes read %j", (bytes, words) => {
    expect(formatByteSize(bytes)).toBe(words);
  });

  test("of a sealed blob is that of its ciphertext", () => {
    const ciphertext = "A".repeat(Math.ceil((2_096 * 4) / 3));
    expect(sealedByteSize(`eyJhIjoxfQ..aXY.${ciphertext}.dGFn`)).toBe(2_096);
  });
});

describe("log text", () => {
  test("loses colours, cursor codes and hyperlinks", () => {
    expect(cleanLogText("\u001B[31mred\u001B[0m \u001B]8;;x:y\u0007link\u001B]8;;\u0007")).toBe(
      "red link",
    );
  });

  test("keeps only the last state of a progress bar", () => {
    expect(cleanLogText("10%\r50%\r100%")).toBe("100%");
    expect(cleanLogText("done\r\nnext\r")).toBe("done\nnext");
  });

  test("in a row shows its first line and counts the others", () => {
    expect(oneLine("Error: x\n  at a\n  at b")).toEqual({ first: "Error: x", moreLines: 2 });
  });
});
