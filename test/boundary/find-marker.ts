import { unfold } from "./unfold.ts";

/**
 * In which disguises a marker stands in a text or in bytes: raw, hexadecimal, percent-encoded, as JSON escapes, UTF-16,
 * base64 and base64url at every alignment; also inside what is compressed or encoded as base64.
 */
export function findMarker(haystack: string | Buffer, marker: string): string[] {
  const bytes = typeof haystack === "string" ? Buffer.from(haystack, "latin1") : haystack;
  return findMarkers(bytes, [marker]).map(({ disguise }) => disguise);
}

export type Finding = { readonly marker: string; readonly disguise: string };

/** The same for many markers in one pass. Bytes are searched as they are and after decoding and inflating. */
export function findMarkers(bytes: Buffer, markers: readonly string[]): Finding[] {
  const needles = markers.flatMap((marker) =>
    disguises(marker).map(([disguise, needle]) => ({ marker, disguise, needle })),
  );
  const found = new Map<string, Finding>();
  for (const { how, bytes: layer } of unfold(bytes)) {
    const text = layer.toString("latin1");
    for (const { marker, disguise, needle } of needles) {
      const finding = { marker, disguise: how === "" ? disguise : `${disguise}, ${how}` };
      if (text.includes(needle)) found.set(`${marker} ${disguise}`, finding);
    }
  }
  return [...found.values()];
}

function disguises(marker: string): [name: string, needle: string][] {
  const bytes = Buffer.from(marker);
  const littleEndian = Buffer.from(marker, "utf16le");
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  return [
    ["raw", marker],
    ["hex", hex.join("")],
    ["upper-case hex", hex.join("").toUpperCase()],
    ["url", encodeURIComponent(marker)],
    ["url, every byte", `%${hex.join("%")}`],
    ["upper-case url, every byte", `%${hex.join("%").toUpperCase()}`],
    ["json escapes", hex.map((byte) => `\\u00${byte}`).join("")],
    ["utf-16", littleEndian.toString("latin1")],
    ["utf-16 as json escapes", marker.split("").join("\\u0000")],
    ["utf-16, big-endian", Buffer.from(littleEndian).swap16().toString("latin1")],
    ...[0, 1, 2].flatMap((shift): [string, string][] => [
      [`base64 shifted by ${shift}`, base64At(bytes, shift)],
      [
        `base64url shifted by ${shift}`,
        base64At(bytes, shift).replaceAll("+", "-").replaceAll("/", "_"),
      ],
    ]),
  ];
}

// The characters that depend on this marker alone, whatever stands before and after it.
function base64At(bytes: Buffer, shift: number): string {
  const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString("base64")
    .replaceAll("=", "");
  const head = shift === 0 ? 0 : shift + 1;
  const wholeGroups = Math.floor(((shift + bytes.length) * 8) / 6);
  return padded.slice(head, wholeGroups);
}
