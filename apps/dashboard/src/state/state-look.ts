import { isTerminal, type State, type StateName, type StateType } from "@downbeat/contract";

/** The colour family of a state; `styles/state.css` gives each its colours in both themes. */
export type Tone = "waiting" | "active" | "good" | "bad" | "stopped" | "warn";

/** How a state is told apart: by shape *and* word *and* colour, never by colour alone. */
export type StateLook = { readonly glyph: string; readonly tone: Tone };

const LOOK_OF_TYPE = {
  SCHEDULED: { glyph: "◷", tone: "waiting" },
  PENDING: { glyph: "◌", tone: "waiting" },
  RUNNING: { glyph: "▶", tone: "active" },
  PAUSED: { glyph: "‖", tone: "waiting" },
  CANCELLING: { glyph: "◪", tone: "warn" },
  COMPLETED: { glyph: "✓", tone: "good" },
  FAILED: { glyph: "✕", tone: "bad" },
  CRASHED: { glyph: "↯", tone: "bad" },
  CANCELLED: { glyph: "■", tone: "stopped" },
} as const satisfies Record<StateType, StateLook>;

// Names that mean something else to the reader than their type does.
const LOOK_OF_NAME: Partial<Record<StateName, StateLook>> = {
  Late: { glyph: "◷", tone: "warn" },
  AwaitingRetry: { glyph: "↻", tone: "warn" },
  Retrying: { glyph: "↻", tone: "active" },
  Unreachable: { glyph: "?", tone: "warn" },
  TimedOut: { glyph: "◔", tone: "bad" },
  UpstreamFailed: { glyph: "⊗", tone: "bad" },
  Missed: { glyph: "∅", tone: "bad" },
  Cached: { glyph: "≡", tone: "good" },
  Skipped: { glyph: "»", tone: "stopped" },
};

export function lookOf(state: Pick<State, "type" | "name">): StateLook {
  return LOOK_OF_NAME[state.name] ?? LOOK_OF_TYPE[state.type];
}

export function lookOfType(type: StateType): StateLook {
  return LOOK_OF_TYPE[type];
}

const WORDS: Partial<Record<StateName, string>> = {
  AwaitingRetry: "Awaiting retry",
  AwaitingConcurrencySlot: "Awaiting slot",
  TimedOut: "Timed out",
  UpstreamFailed: "Upstream failed",
};

/** A state's name as people read it. */
export function stateWords(name: StateName): string {
  return WORDS[name] ?? name;
}

/** What may be done with a run in this state; the server's rules decide, these only spare a click. */
export const runCan = {
  cancel: (type: StateType): boolean => !isTerminal(type) && type !== "CANCELLING",
};
