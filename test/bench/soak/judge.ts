import { quantile } from "../figure.ts";

/** What was seen at one moment, by name: resident memory of a process in MB, lateness in ms. */
export type Sample = { readonly atMs: number; readonly values: Readonly<Record<string, number>> };

export type Trend = {
  readonly name: string;
  /** Median of the second quarter of the time, when everything is warm, and of the last. */
  readonly early: number;
  readonly late: number;
  /** Least-squares slope after the first quarter, per hour. */
  readonly perHour: number;
  readonly isFlat: boolean;
};

/** What a median may rise by from the second quarter to the last, beside a share of itself. */
const ALLOWANCE: Readonly<Record<"share" | "absolute", number>> = { share: 0.15, absolute: 25 };
const HOUR_MS = 3_600_000;

/** How each thing that was sampled developed. A value that is missing from a sample is passed over. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const names = [...new Set(samples.flatMap(({ values }) => Object.keys(values)))];
  return names.map((name) => {
    const points = samples.flatMap(({ atMs, values }) => {
      const value = values[name];
      return value === undefined ? [] : [{ atMs, value }];
    });
    const quarter = Math.ceil(points.length / 4);
    const early = median(points.slice(quarter, 2 * quarter));
    const late = median(points.slice(-quarter));
    const isFlat = late <= early * (1 + ALLOWANCE.share) + ALLOWANCE.absolute;
    return { name, early, late, perHour: slope(points.slice(quarter)) * HOUR_MS, isFlat };
  });
}

type Point = { readonly atMs: number; readonly value: number };

function median(points: readonly Point[]): number {
  return quantile(
    points.map(({ value }) => value).toSorted((a, b) => a - b),
    0.5,
  );
}

function slope(points: readonly Point[]): number {
  const meanOf = (key: keyof Point): number =>
    points.reduce((sum, point) => sum + point[key], 0) / Math.max(1, points.length);
  const [at, value] = [meanOf("atMs"), meanOf("value")];
  const spread = points.reduce((sum, point) => sum + (point.atMs - at) ** 2, 0);
  const joint = points.reduce((sum, point) => sum + (point.atMs - at) * (point.value - value), 0);
  return spread === 0 ? 0 : joint / spread;
}
