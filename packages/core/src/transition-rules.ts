import { STATE_TYPES, type StateType } from "@downbeat/contract";

/** Who proposes a transition: the agent that holds the lease, a person (or their API key), or the engine itself. */
export type Proposer = "agent" | "person" | "engine";

/**
 * What the rules say of one (from, to) pair for one proposer: the transition stands, it stands but ends in another
 * type, or it does not happen.
 */
export type Verdict =
  | { readonly kind: "accept"; readonly becomes: StateType }
  | { readonly kind: "reject" };

// a agent, p person, e engine; "-" nobody. A column per target type, in the order of STATE_TYPES:
//            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
const TABLE: Record<StateType, string> = {
  SCHEDULED: "e         e       -       -      -          -         e      -       pe",
  PENDING: "  ae        -       a       -      pe         -         a      ae      e",
  RUNNING: "  a         -       ae      a      pe         a         a      ae      a",
  PAUSED: "   ape       -       a       -      pe         -         ae     ae      -",
  CANCELLING: "-        -       -       -      -          a         a      ae      ae",
  COMPLETED: "-         -       -       -      -          -         -      -       -",
  FAILED: "   -         -       -       -      -          -         -      -       -",
  CRASHED: "  -         -       -       -      -          -         -      -       -",
  CANCELLED: "-         -       -       -      -          -         -      -       -",
};

const LETTERS: Record<Proposer, string> = { agent: "a", person: "p", engine: "e" };

// A run that was being cancelled and fell over did what was asked; one that completed first did complete, and says so.
const WHILE_CANCELLING: Partial<Record<StateType, StateType>> = {
  FAILED: "CANCELLED",
  CRASHED: "CANCELLED",
};

const RULES = Object.fromEntries(
  STATE_TYPES.map((from) => [from, TABLE[from].trim().split(/\s+/)]),
) as Record<StateType, string[]>;

/** Decides one pair. Every pair is decided: what is not allowed is rejected. */
export function ruleFor(from: StateType, to: StateType, proposer: Proposer): Verdict {
  const allowed = RULES[from][STATE_TYPES.indexOf(to)] ?? "-";
  if (!allowed.includes(LETTERS[proposer])) return { kind: "reject" };
  const becomes = from === "CANCELLING" ? (WHILE_CANCELLING[to] ?? to) : to;
  return { kind: "accept", becomes };
}
