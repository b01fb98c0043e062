/**
 * An array as PostgreSQL writes it, for columns that hold arrays: `unnest` takes arrays of arrays apart to the last
 * element, so those travel as text and are cast back.
 */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
