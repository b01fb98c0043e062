import { plainColumn } from "./array-literal.ts";

/**
 * A column of a batch on its way to the server. Most columns of a batch hold one value over and over (the state that
 * all its runs move to, no error): that travels once, as `same`, and `array` is null, which `unnest` beside longer
 * arrays reads as nothing but nulls. Statements take `coalesce(given.column, same)`.
 */
export type BatchColumn<T> = {
  readonly array: string | readonly T[] | null;
  readonly same: T | null;
};

/** Of ids, numbers, instants or words of ours (see plainColumn). */
export function plainBatchColumn<T extends string | number>(
  values: readonly (T | null)[],
): BatchColumn<T> {
  return batchColumn(values, plainColumn);
}

/** Of any text that is always there. */
export function textBatchColumn(values: readonly string[]): BatchColumn<string> {
  return batchColumn(values, (array) => array);
}

/** Of any text: an array only if some row has one. */
export function optionalColumn<T>(values: readonly (T | null | undefined)[]): (T | null)[] | null {
  return values.every((value) => value === null || value === undefined)
    ? null
    : values.map((value) => value ?? null);
}

/** As optionalColumn, of what plainColumn takes. */
export function optionalPlainColumn(
  values: readonly (string | number | null | undefined)[],
): string | null {
  const column = optionalColumn(values);
  return column && plainColumn(column);
}

function batchColumn<T, V extends T | null>(
  values: readonly V[],
  toArray: (values: readonly V[]) => BatchColumn<T>["array"],
): BatchColumn<T> {
  const first = values[0] ?? null;
  return values.every((value) => value === first)
    ? { array: null, same: first }
    : { array: toArray(values), same: null };
}
