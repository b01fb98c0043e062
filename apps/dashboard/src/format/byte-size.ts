const UNITS = ["B", "kB", "MB", "GB"] as const;

/** A size in decimal units with two significant digits below ten: "512 B", "2.1 kB", "34 kB". */
export function formatByteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** How many bytes a compact JWE holds, by its length alone: no key is needed. Compressed content is larger than this. */
export function sealedByteSize(blob: string): number {
  const ciphertext = blob.split(".")[3] ?? "";
  return Math.floor((ciphertext.length * 3) / 4);
}
