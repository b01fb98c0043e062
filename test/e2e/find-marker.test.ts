import { describe, expect, it } from "vitest";
import { findMarker } from "./find-marker.ts";

const MARKER = "marker-log-7d20be";

describe("findMarker", () => {
  it.each([
    ["raw", `…${MARKER}…`],
    ["hex", Buffer.from(`x${MARKER}y`).toString("hex")],
    ["url", `https://example.org/?q=${encodeURIComponent(MARKER)}`],
    ["utf-16", Buffer.from(MARKER, "utf16le").toString("latin1")],
  ])("sees it in %s", (name, text) => {
    expect(findMarker(text, MARKER)).toContain(name);
  });

  it("sees it in base64 at every alignment, whatever surrounds it", () => {
    for (const before of ["", "a", "ab", "abc", "abcd"]) {
      for (const after of ["", "z", "zy", "zyx"]) {
        const bytes = Buffer.from(`${before}${MARKER}${after}`);
        expect(findMarker(bytes.toString("base64"), MARKER)).not.toEqual([]);
        expect(findMarker(bytes.toString("base64url"), MARKER)).not.toEqual([]);
      }
    }
  });

  it("sees nothing in other text", () => {
    expect(findMarker("marker-log-7d20b", MARKER)).toEqual([]);
  });
});
