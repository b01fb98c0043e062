import { STATE_REASONS, type WaitingCode, type WaitingDetails } from "@downbeat/contract";
import type { WaitingFacts } from "./waiting-facts.ts";
import { WAITING_REASONS } from "./waiting-reasons.ts";

/** Why a run does not run: a code and facts for machines, words for people. */
export type Waiting = {
  readonly code: WaitingCode;
  readonly words: string;
  readonly details: WaitingDetails;
};

/** Says why a run that is not terminal does not run; null while it runs or once it has ended. */
export function explainWaiting(facts: WaitingFacts, now: Date): Waiting | null {
  const reason = WAITING_REASONS.find(
    ({ state, applies }) => state === facts.stateType && applies(facts, now),
  );
  if (reason === undefined) return null;
  const { code, words } = reason;
  const details = reason.details(facts);
  return { code, words: fill(words, details), details };
}

/** Only the words of {@link explainWaiting}. */
export function describeWaiting(facts: WaitingFacts, now: Date): string | null {
  return explainWaiting(facts, now)?.words ?? null;
}

// What is not said as it stands in the details. An empty phrase leaves the sentence whole.
const PHRASES: Readonly<Record<string, (details: WaitingDetails) => string>> = {
  cause: ({ cause }) => (cause === undefined ? "badly." : STATE_REASONS[cause]),
  requiredLabels: ({ requiredLabels = [] }) => requiredLabels.join(", "),
  heldBy: ({ heldBy = [], taken = 0 }) => {
    if (heldBy.length === 0) return "";
    return `, by ${heldBy.join(", ")}${taken > heldBy.length ? " and others" : ""}`;
  },
  deadline: ({ expiresAt, onTimeout }) => {
    if (expiresAt === undefined) return "";
    return ` At ${expiresAt} it ${onTimeout === "resume" ? "goes on without input" : "fails"}.`;
  },
};

function fill(words: string, details: WaitingDetails): string {
  return words.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const phrase = PHRASES[name];
    if (phrase !== undefined) return phrase(details);
    return String(details[name as keyof WaitingDetails] ?? "?");
  });
}
