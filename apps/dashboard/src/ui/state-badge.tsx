import type { State } from "@downbeat/contract";
import { lookOf, stateWords } from "../state/state-look.ts";

/** A state by shape, word and colour at once. */
export function StateBadge({ state }: { state: Pick<State, "type" | "name"> }) {
  const { glyph, tone } = lookOf(state);
  return (
    <span className={`state state--${tone}`}>
      <span className="state__glyph" aria-hidden="true">
        {glyph}
      </span>
      {stateWords(state.name)}
    </span>
  );
}
