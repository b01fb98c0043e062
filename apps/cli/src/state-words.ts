import type { RunStateRecord, StateType } from "@downbeat/contract";
import { STATE_REASONS } from "@downbeat/contract";
import type { Output } from "./output.ts";
import { clockWords } from "./time-words.ts";

type Colors = Output["colors"];
type Look = { readonly mark: string; readonly color: keyof Colors };

// A mark besides the colour: not everyone sees colours, and pipes carry none.
const LOOKS: Record<StateType, Look> = {
  SCHEDULED: { mark: "○", color: "yellow" },
  PENDING: { mark: "◔", color: "yellow" },
  RUNNING: { mark: "●", color: "blue" },
  PAUSED: { mark: "‖", color: "yellow" },
  CANCELLING: { mark: "◌", color: "magenta" },
  COMPLETED: { mark: "✔", color: "green" },
  FAILED: { mark: "✘", color: "red" },
  CRASHED: { mark: "✘", color: "red" },
  CANCELLED: { mark: "■", color: "gray" },
};

/** "✔ Completed", coloured. */
export function stateWords(colors: Colors, state: { type: StateType; name: string }): string {
  const { mark, color } = LOOKS[state.type];
  const paint = colors[color] as (text: string) => string;
  return paint(`${mark} ${state.name}`);
}

/** One line of a run's history: when, what, why. */
export function stateLine(colors: Colors, record: RunStateRecord): string {
  const error = record.error === null ? "" : ` ${colors.red(record.error.class)}`;
  const cause = record.cause === null ? "" : ` ${STATE_REASONS[record.cause]}`;
  return `${colors.dim(clockWords(record.at))}  ${stateWords(colors, record)}  ${STATE_REASONS[record.reason]}${cause}${error}`;
}
