import type { RunDay } from "@downbeat/contract";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { runDaysQuery } from "../api/queries.ts";
import { paths, type RunsSearch, toggleDay } from "../paths.ts";
import { wordsOf } from "../ui/words-of.ts";
import { type DayBar, dayBars } from "./day-bars.ts";
import { dayWords } from "./day-words.ts";
import { DayColumn } from "./day-column.tsx";
import { DayLegend } from "./day-legend.tsx";

type Props = {
  readonly search: RunsSearch;
  /** The list comes first: the counts are asked for when it has been answered. */
  readonly isListRead: boolean;
};

/** How runs ended on each of the last 14 days; a day filters the list. It has one height, whatever it shows. */
export function RunDaysChart({ search, isListRead }: Props) {
  const query = { ...runDaysQuery(useCaller(), search.flow), enabled: isListRead };
  const { data: days, error, refetch } = useQuery(query);
  const [pointedAt, setPointedAt] = useState<string>();
  const titleId = useId();
  const bars = dayBars(days ?? []);
  const told = days?.find(({ day }) => day === (pointedAt ?? search.day));
  return (
    <section className="panel run-days" aria-labelledby={titleId}>
      <div className="run-days__head">
        <h2 id={titleId}>Ended runs by day</h2>
        <span className="hint">{told === undefined ? "Last 14 days" : dayWords(told.day)}</span>
        <DayLegend days={told === undefined ? days : [told]} />
      </div>
      {days === undefined && error !== null ? (
        <Unread error={error} onRetry={() => void refetch()} />
      ) : (
        <Columns search={search} days={days ?? []} bars={bars} onPointedAt={setPointedAt} />
      )}
      <p className="hint run-days__notes">
        <span>By the day a run was made (UTC).</span>{" "}
        {days !== undefined && (
          <span>
            {error === null ? scaleWords(days, bars) : `Not read again. ${wordsOf(error)}`}
          </span>
        )}
      </p>
    </section>
  );
}

type ColumnsProps = {
  readonly search: RunsSearch;
  readonly days: readonly RunDay[];
  readonly bars: readonly DayBar[];
  readonly onPointedAt: (day: string | undefined) => void;
};

function Columns({ search, days, bars, onPointedAt }: ColumnsProps) {
  const navigate = useNavigate();
  const choose = (day: string) =>
    void navigate({ to: paths.runs, search: toggleDay(search, day), replace: true });
  return (
    <ol className="run-days__columns">
      {days.map((runDay, index) => (
        <DayColumn
          key={runDay.day}
          runDay={runDay}
          bar={bars[index]}
          isChosen={runDay.day === search.day}
          onChoose={choose}
          onPointedAt={onPointedAt}
        />
      ))}
    </ol>
  );
}

/** Quieter than other errors: the list beside it can be used all the same. */
function Unread({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const words = `The counts by day could not be read. ${wordsOf(error)}`;
  return (
    <div className="run-days__unread">
      <p className="quiet run-days__why" role="status" title={words}>
        {words}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

/** What the heights do not tell. */
function scaleWords(days: readonly RunDay[], bars: readonly DayBar[]): string {
  const cut = days.filter((_, index) => bars[index]?.isCut === true);
  if (cut.length > 0)
    return `Higher than shown: ${cut.map(({ day }) => dayWords(day)).join("; ")}.`;
  return bars.some(({ isRaised }) => isRaised) ? "The smallest parts are drawn larger." : "";
}
