import { endedRuns, type RunDay, type TerminalStateType } from "@downbeat/contract";

/** The runs of a day that ended one way; the height is in percent of the chart's. */
export type DayPart = { readonly type: TerminalStateType; readonly heightPercent: number };

export type DayBar = {
  /** From the bottom up; without those that no run ended as. */
  readonly parts: readonly DayPart[];
  /** Whether the bar would be higher than the chart: it is drawn at full height, and has to be marked. */
  readonly isCut: boolean;
  /** Whether a part is drawn larger than its share, to be seen at all. */
  readonly isRaised: boolean;
};

/** What needs a look stands on top, where it begins at no other height than the bar ends. */
const FROM_THE_BOTTOM = ["COMPLETED", "CANCELLED", "CRASHED", "FAILED"] as const;
/** So that one failed run of a million can still be seen: 3 of 64 px. */
const LOWEST_PERCENT = 5;
/** A day of more times the runs of the middle day would leave that one no height to read. */
const TOWERS_TIMES = 20;
/** Days that tower are exceptions. More of them are what the chart is about, and are drawn whole. */
const MOST_CUT = 3;
/** How high the highest bar is that is not cut, beside one that is. */
const BELOW_CUT_PERCENT = 75;

/** How high each day's bar is: by the runs that ended, unless few days tower so far above the rest that they are cut. */
export function dayBars(days: readonly RunDay[]): DayBar[] {
  const scale = scaleOf(days.map(endedRuns).filter((runs) => runs > 0));
  return days.map((day) => dayBar(day, scale));
}

/** So many runs are drawn so high. */
type Scale = { readonly runs: number; readonly percent: number };

function scaleOf(counts: readonly number[]): Scale {
  const sorted = counts.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const within = sorted.filter((runs) => runs <= middle * TOWERS_TIMES);
  const towering = sorted.length - within.length;
  if (towering === 0 || towering > MOST_CUT) return { runs: sorted.at(-1) ?? 0, percent: 100 };
  return { runs: within.at(-1) ?? 0, percent: BELOW_CUT_PERCENT };
}

function dayBar(day: RunDay, scale: Scale): DayBar {
  const total = endedRuns(day);
  const isCut = total > scale.runs;
  const barPercent = isCut ? 100 : (total / scale.runs) * scale.percent;
  const shares = FROM_THE_BOTTOM.filter((type) => day.runs[type] > 0).map((type) => ({
    type,
    heightPercent: (day.runs[type] / total) * barPercent,
  }));
  const raised = shares.map(({ type, heightPercent }) => ({
    type,
    heightPercent: Math.max(heightPercent, LOWEST_PERCENT),
  }));
  return {
    parts: fitted(raised, barPercent),
    isCut,
    isRaised: shares.some(({ heightPercent }) => heightPercent < LOWEST_PERCENT),
  };
}

/** Takes from the largest part what the others were given, so that the bar stays as high as it is. */
function fitted(parts: readonly DayPart[], barPercent: number): DayPart[] {
  const sum = parts.reduce((percent, part) => percent + part.heightPercent, 0);
  const largest = Math.max(...parts.map(({ heightPercent }) => heightPercent));
  const at = parts.findIndex(({ heightPercent }) => heightPercent === largest);
  const left = Math.max(LOWEST_PERCENT, largest - (sum - barPercent));
  return parts.map((part, index) => (index === at ? { ...part, heightPercent: left } : part));
}
