const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, {
  notation: "compact",
  maximumSignificantDigits: 3,
});

/** "1,204,331" */
export function countWords(count: number): string {
  return whole.format(count);
}

/** In four characters or so: "840", "1.2M". */
export function shortCountWords(count: number): string {
  return compact.format(count);
}
