import { defaultStateName, type RunDay, TERMINAL_STATE_TYPES } from "@downbeat/contract";
import { lookOfType, stateWords } from "../state/state-look.ts";
import { countWords, shortCountWords } from "../format/count.ts";

/** From here on counts are told in short, for which there is room on a small screen too. */
const LARGE = 1_000_000;

/** What the parts of the bars mean, with how many runs of these days they stand for; without the days, only what they mean. */
export function DayLegend({ days }: { days: readonly RunDay[] | undefined }) {
  return (
    <ul className="run-days__legend">
      {TERMINAL_STATE_TYPES.map((type) => {
        const { glyph, tone } = lookOfType(type);
        const count = days?.reduce((sum, { runs }) => sum + runs[type], 0);
        return (
          <li key={type} className={`run-days__end state--${tone}`}>
            <span className={`run-days__swatch end--${type.toLowerCase()}`} aria-hidden="true" />
            <span className="state__glyph" aria-hidden="true">
              {glyph}
            </span>
            {stateWords(defaultStateName(type))} <Count count={count} />
          </li>
        );
      })}
    </ul>
  );
}

function Count({ count }: { count: number | undefined }) {
  if (count === undefined) return <span className="number">–</span>;
  return (
    <span className="number" title={countWords(count)}>
      {count < LARGE ? countWords(count) : shortCountWords(count)}
    </span>
  );
}
