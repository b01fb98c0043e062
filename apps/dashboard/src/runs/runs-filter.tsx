import { defaultStateName, STATE_TYPES } from "@downbeat/contract";
import { Link, useNavigate } from "@tanstack/react-router";
import { useId } from "react";
import {
  isFiltered,
  paths,
  type RunsSearch,
  splitStates,
  toggleDay,
  toggleState,
} from "../paths.ts";
import { lookOfType, stateWords } from "../state/state-look.ts";
import { dayWords } from "./day-words.ts";

export function RunsFilter({
  search,
  flowNames,
}: {
  search: RunsSearch;
  flowNames: readonly string[];
}) {
  const chosen = splitStates(search.state);
  const navigate = useNavigate();
  return (
    <div className="filter">
      <fieldset className="chips">
        <legend className="visually-hidden">State</legend>
        {STATE_TYPES.map((type) => {
          const { glyph, tone } = lookOfType(type);
          const on = chosen.includes(type);
          return (
            <button
              key={type}
              type="button"
              aria-pressed={on}
              className={`chip state--${tone}${on ? " chip--on" : ""}`}
              onClick={() =>
                void navigate({ to: paths.runs, search: toggleState(search, type), replace: true })
              }
            >
              <span className="state__glyph" aria-hidden="true">
                {glyph}
              </span>
              {stateWords(defaultStateName(type))}
            </button>
          );
        })}
      </fieldset>
      <FlowSelect search={search} flowNames={flowNames} />
      {search.day !== undefined && <ChosenDay search={search} day={search.day} />}
      {isFiltered(search) && (
        <Link to={paths.runs} search={{}} className="button button--quiet">
          Clear
        </Link>
      )}
    </div>
  );
}

/** Stands here as well as in the chart: the chosen day may be one that the chart no longer shows. */
function ChosenDay({ search, day }: { search: RunsSearch; day: string }) {
  return (
    <Link to={paths.runs} search={toggleDay(search, day)} replace className="button">
      {dayWords(day)} UTC <span aria-hidden="true">×</span>
      <span className="visually-hidden">: show every day</span>
    </Link>
  );
}

function FlowSelect({ search, flowNames }: { search: RunsSearch; flowNames: readonly string[] }) {
  const navigate = useNavigate();
  const id = useId();
  const { cursor: _, flow, ...rest } = search;
  const names = flow === undefined || flowNames.includes(flow) ? flowNames : [flow, ...flowNames];
  return (
    <span className="field">
      <label htmlFor={id}>Flow</label>
      <select
        id={id}
        className="input"
        value={flow ?? ""}
        onChange={({ target }) => {
          const next = target.value === "" ? rest : { ...rest, flow: target.value };
          void navigate({ to: paths.runs, search: next, replace: true });
        }}
      >
        <option value="">all</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}
