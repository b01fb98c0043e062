/** In which disguises a marker stands in a text: raw, hexadecimal, base64 and base64url at every alignment. */
export function findMarker(text: string, marker: string): string[] {
  return disguises(marker)
    .filter(([, needle]) => text.includes(needle))
    .map(([name]) => name);
}

function disguises(marker: string): [name: string, needle: string][] {
  const bytes = Buffer.from(marker);
  return [
    ["raw", marker],
    ["hex", bytes.toString("hex")],
    ["upper-case hex", bytes.toString("hex").toUpperCase()],
    ["url", encodeURIComponent(marker)],
    ["utf-16", Buffer.from(marker, "utf16le").toString("latin1")],
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
