import { STATE_TYPES, type StateType } from "@downbeat/contract";

/**
 * Who proposes a transition: the agent that holds the lease, a person (or their API key), the engine itself, or a person
 * who acts as operator: who starts an ended run again, or declares a live one ended. There is no way around the table.
 */
export const PROPOSERS = ["agent", "person", "engine", "operator"] as const;
export type Proposer = (typeof PROPOSERS)[number];

/**
 * What the rules say of one (from, to) pair for one proposer: the transition stands, it stands but ends in another
 * type, or it does not happen.
 */
export type Verdict =
  | { readonly kind: "accept"; readonly becomes: StateType }
  | { readonly kind: "reject" };

// a agent, p person, e engine, o operator; "-" nobody. A column per target type, in the order of STATE_TYPES:
//            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
const TABLE: Record<StateType, string> = {
  SCHEDULED: "e         e       -       -      -          o         eo     o       peo",
  PENDING: "  ae        -       a       -      pe         o         ao     aeo     eo",
  RUNNING: "  a         -       ae      a      pe         ao        ao     aeo     ao",
  PAUSED: "   ape       -       ape     -      pe         ao        aeo    aeo     peo",
  CANCELLING: "-        -       -       -      -          ao        ao     aeo     aeo",
  COMPLETED: "o         -       -       -      -          -         -      -       -",
  FAILED: "   o         -       -       -      -          -         -      -       -",
  CRASHED: "  o         -       -       -      -          -         -      -       -",
  CANCELLED: "o         -       -       -      -          -         -      -       -",
};

const LETTERS: Record<Proposer, string> = { agent: "a", person: "p", engine: "e", operator: "o" };

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
  // An operator says what is to stand in the record, so their word is taken as it is.
  const isLiteral = from !== "CANCELLING" || proposer === "operator";
  const becomes = isLiteral ? to : (WHILE_CANCELLING[to] ?? to);
  return { kind: "accept", becomes };
}
