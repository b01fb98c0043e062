/** One line of `pnpm bench --json`. */
export type Figure = {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** How many operations the value was taken from. */
  readonly n: number;
  /** Median over the repetitions, or over the operations of a latency. */
  readonly p50: number;
  /** Smallest and largest repetition. */
  readonly spread: readonly [number, number];
  /** What the bare parts do in the same run, on the same machine. */
  readonly limit: number;
  /** value ÷ limit; above 1 is better than the limit for rates, worse for times. */
  readonly ratio: number;
};

export type Rates = {
  readonly unit: string;
  readonly n: number;
  readonly rates: readonly number[];
};

/** A figure from repeated rates: the value is the median. */
export function rateFigure(figure: string, { unit, n, rates }: Rates, limit: number): Figure {
  const sorted = rates.toSorted((a, b) => a - b);
  const p50 = quantile(sorted, 0.5);
  return {
    figure,
    value: round(p50),
    unit,
    n,
    p50: round(p50),
    spread: [round(sorted[0] ?? 0), round(sorted.at(-1) ?? 0)],
    limit: round(limit),
    ratio: round(p50 / limit),
  };
}

/** A figure from single latencies: the value is the asked quantile. */
export function latencyFigure(
  figure: string,
  q: number,
  samplesMs: readonly number[],
  limitMs: number,
): Figure {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const value = quantile(sorted, q);
  return {
    figure,
    value: round(value),
    unit: "ms",
    n: sorted.length,
    p50: round(quantile(sorted, 0.5)),
    spread: [round(sorted[0] ?? 0), round(sorted.at(-1) ?? 0)],
    limit: round(limitMs),
    ratio: round(value / limitMs),
  };
}

/** A figure that is itself a ratio to the bare parts: the value is the median, and the limit 1. */
export function ratioFigure(figure: string, ratios: readonly number[]): Figure {
  return { ...latencyFigure(figure, 0.5, ratios, 1), unit: "×" };
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** Three digits, or all before the point. */
export function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
