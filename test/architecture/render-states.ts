import {
  isTerminal,
  STATE_NAMES,
  STATE_REASONS,
  STATE_TYPES,
  type StateType,
} from "@downbeat/contract";
import { NEVER_RETRIED, PROPOSERS, ruleFor, WAITING_REASONS, type Proposer } from "@downbeat/core";

const TYPE_WORDS: Record<StateType, string> = {
  SCHEDULED: "waits for its time, a free slot, another attempt or an agent",
  PENDING: "an agent holds its lease and prepares a process",
  RUNNING: "user code runs",
  PAUSED: "waits for a person",
  CANCELLING: "its agent has been asked to stop it",
  COMPLETED: "the flow returned",
  FAILED: "the flow threw, or ran out of time",
  CRASHED: "its process or its agent is gone",
  CANCELLED: "stopped as asked",
};

const PROPOSER_WORDS: Record<Proposer, string> = {
  agent: "the agent that holds the lease, with its epoch and token",
  person:
    "someone with an API key of role runner or above, in the ordinary way (trigger, cancel, resume)",
  engine: "the API's own loops: claims, sweeps, deadlines",
  operator: "someone who runs an ended run again, or (role developer) declares a live one ended",
};

/** `docs/states.md`, made from the tables of `contract` and `core` and nothing else. */
export function renderStates(): string {
  return `# States

Made from \`packages/contract/src/{state,reason}.ts\` and the tables of rules and waiting reasons in \`packages/core\` by \`pnpm docs:write\`; a test
fails when they differ.

A run is in one state: its *type* drives logic, its *name* is a label. Every change is a row of its history, with who
proposed it, why (a reason from the list below, never free text), and the attempt number (epoch).

## Types and names

| type | ends the run | means | names |
|---|---|---|---|
${STATE_TYPES.map(typeRow).join("\n")}

## Who may move a run where

The one table that decides. Every pair is decided; what is not listed is rejected, and the answer names the state that
stands. There is no way around it: an operator's override is a rule like the others, with a row of its own.

${PROPOSERS.map((proposer) => `- **${initial(proposer)}** ${proposer}: ${PROPOSER_WORDS[proposer]}`).join("\n")}

| from \\ to | ${STATE_TYPES.join(" | ")} |
|---|${STATE_TYPES.map(() => "---|").join("")}
${STATE_TYPES.map(ruleRow).join("\n")}

\\* becomes CANCELLED: a run that was being cancelled and fell over did what was asked.

A proposal carries a transition id. Repeating it changes nothing and returns the standing answer. A lease that is not the
newest is answered \`fenced\` before any rule is looked at. What an attempt before a retry or a suspension logged, and what its
tasks did, is still taken when it arrives late (of the newest eight such attempts): it belongs to what happened.

## Retries

A deployment's retry policy turns an attempt that ended CRASHED or FAILED into SCHEDULED / AwaitingRetry while its budget
lasts; crashes and failures have one each. The row of history says \`retry_scheduled\`, and its \`cause\` and \`error\` tell how
the attempt ended. The next attempt has a higher epoch. These ends are never retried, since they would come out the same:
${[...NEVER_RETRIED].map((reason) => `\`${reason}\``).join(", ")}. What an operator declares stands, whatever the policy says.

## Reasons

| reason | in words |
|---|---|
${Object.entries(STATE_REASONS)
  .map(([code, words]) => `| \`${code}\` | ${words} |`)
  .join("\n")}

## Why a run does not run

\`GET /v1/runs/:runId/why\` and \`downbeat runs why\` answer with the first line below that applies in the run's state, as a code,
as words, and as the details that stand in braces here. In every other state a run runs, or has ended.

| state | reason | applies when | in words |
|---|---|---|---|
${WAITING_REASONS.map(waitingRow).join("\n")}

What keeps a run from even beginning on its agent is no wait but an end with a reason of the list before: an agent without the
key that opens the parameters reports \`parameters_unreadable\`.
`;
}

function waitingRow({ state, code, when, words }: (typeof WAITING_REASONS)[number]): string {
  return `| ${state} | \`${code}\` | ${when} | ${words} |`;
}

function typeRow(type: StateType): string {
  const ends = isTerminal(type) ? "yes" : "";
  return `| ${type} | ${ends} | ${TYPE_WORDS[type]} | ${STATE_NAMES[type].join(", ")} |`;
}

function ruleRow(from: StateType): string {
  return `| **${from}** | ${STATE_TYPES.map((to) => ruleCell(from, to)).join(" | ")} |`;
}

function ruleCell(from: StateType, to: StateType): string {
  return PROPOSERS.flatMap((proposer) => {
    const verdict = ruleFor(from, to, proposer);
    if (verdict.kind === "reject") return [];
    return verdict.becomes === to ? initial(proposer) : `${initial(proposer)}\\*`;
  }).join(" ");
}

function initial(proposer: Proposer): string {
  return proposer.slice(0, 1);
}
