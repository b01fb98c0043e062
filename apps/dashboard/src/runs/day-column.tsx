import { endedRuns, type RunDay } from "@downbeat/contract";
import { lookOfType } from "../state/state-look.ts";
import type { DayBar } from "./day-bars.ts";
import { shortCountWords } from "../format/count.ts";
import { runDayWords, weekdayWords } from "./day-words.ts";

type Props = {
  readonly runDay: RunDay;
  readonly bar: DayBar | undefined;
  readonly isChosen: boolean;
  readonly onChoose: (day: string) => void;
  readonly onPointedAt: (day: string | undefined) => void;
};

/** A day of the chart: its bar, and a switch that filters the list by it. An empty place when no run ended. */
export function DayColumn({ runDay, bar, isChosen, onChoose, onPointedAt }: Props) {
  const { day } = runDay;
  const words = runDayWords(runDay);
  return (
    <li>
      <button
        type="button"
        className="run-day"
        aria-pressed={isChosen}
        title={words}
        onClick={() => onChoose(day)}
        onPointerEnter={() => onPointedAt(day)}
        onPointerLeave={() => onPointedAt(undefined)}
        onFocus={() => onPointedAt(day)}
        onBlur={() => onPointedAt(undefined)}
      >
        <span className="visually-hidden">{words}</span>
        <Bar bar={bar} total={endedRuns(runDay)} />
        <span className="run-day__name" aria-hidden="true">
          <span className="run-day__weekday">{weekdayWords(day)} </span>
          {Number(day.slice(-2))}
        </span>
      </button>
    </li>
  );
}

function Bar({ bar, total }: { bar: DayBar | undefined; total: number }) {
  const { parts = [], isCut = false } = bar ?? {};
  return (
    <span className={`run-day__bar${isCut ? " run-day__bar--cut" : ""}`} aria-hidden="true">
      {parts.map(({ type, heightPercent }) => (
        <span
          key={type}
          className={`run-day__part end--${type.toLowerCase()} state--${lookOfType(type).tone}`}
          style={{ height: `${heightPercent}%` }}
        />
      ))}
      {total > 0 && <span className="run-day__total">{shortCountWords(total)}</span>}
    </span>
  );
}
