/**
 * An array as PostgreSQL writes it, for columns that hold arrays: `unnest` takes arrays of arrays apart to the last
 * element, so those travel as text and are cast back.
 */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/**
 * A column of ids, numbers, instants or words of ours (states, reasons) as an array parameter. The driver would quote and
 * escape each value, which for a batch takes longer than anything else in sending a statement; these need none.
 *
 * @throws Error for a value that would need quoting.
 */
export function plainColumn(values: readonly (string | number | null)[]): string {
  const literal = values.map((value) => value ?? "NULL").join(",");
  if (!NEEDS_NO_QUOTES.test(literal))
    throw new Error("A column holds a value that would have to be quoted.");
  return `{${literal}}`;
}

const NEEDS_NO_QUOTES = /^[\w:.+,-]*$/;
