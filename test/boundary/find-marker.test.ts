import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { findMarker, findMarkers } from "./find-marker.ts";

const MARKER = "marker-log-7d20be";
const HEX = [...Buffer.from(MARKER)].map((byte) => byte.toString(16));

describe("findMarker", () => {
  const big = Buffer.from(MARKER, "utf16le").swap16();
  const escapes = HEX.map((it) => `\\u00${it}`).join("");
  const percents = HEX.map((it) => `%${it}`).join("");
  it.each([
    ["raw", `…${MARKER}…`],
    ["hex", Buffer.from(`x${MARKER}y`).toString("hex")],
    ["url", `https://example.org/?q=${encodeURIComponent(MARKER)}`],
    ["url, every byte", `https://example.org/?q=${percents}`],
    ["json escapes", `{"text":"${escapes}"}`],
    ["utf-16", Buffer.from(MARKER, "utf16le")],
    ["utf-16, big-endian", big],
    ["utf-16 as json escapes", JSON.stringify(Buffer.from(MARKER, "utf16le").toString("latin1"))],
  ])("sees it in %s", (name, haystack) => {
    expect(findMarker(haystack, MARKER)).toContain(name);
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

  // Both the streams that announce themselves and, where text begins, those that do not.
  const filler = "a line like any other\n".repeat(40);
  const text = Buffer.from(`${filler}${MARKER}${filler}`);
  it.each([
    ["gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["deflate, fast", deflateSync(text, { level: 1 })],
    ["raw deflate as base64", deflateRawSync(text).toString("base64url")],
    ["brotli as base64", brotliCompressSync(text).toString("base64")],
    ["gzip as hex", gzipSync(text).toString("hex")],
    ["base64 in base64", Buffer.from(text.toString("base64")).toString("base64")],
    ["gzip in base64 in gzip", gzipSync(gzipSync(text).toString("base64"))],
  ])("sees it in %s, with other bytes around", (_, hidden) => {
    const around = [
      Buffer.from("POST /v1 HTTP/1.1\r\n\r\n{"),
      Buffer.from(hidden),
      Buffer.from("}"),
    ];
    expect(findMarker(Buffer.concat(around), MARKER)).not.toEqual([]);
  });

  it("sees nothing in other text", () => {
    expect(findMarker("marker-log-7d20b", MARKER)).toEqual([]);
    expect(findMarkers(gzipSync("marker-log-7d20b"), [MARKER, "other"])).toEqual([]);
  });
});
