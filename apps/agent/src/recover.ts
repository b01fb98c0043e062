import type { TransitionItem } from "@downbeat/contract";
import type { Logger } from "pino";
import { uuidv7 } from "uuidv7";
import type { Journal, StartedRun } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import { killSurvivors } from "./process-group.ts";

/** What a predecessor has left to do. */
export type Recovered = {
  /** Its sessions, which are over; the plane can give their unstarted runs to others once it knows. */
  readonly endedSessionIds: readonly string[];
  /** The runs it had started. */
  readonly crashed: readonly StartedRun[];
};

/**
 * Clears up after a predecessor that died: kills what it left running, and puts an end for each run it had started into
 * the outbox, under the lease it held.
 */
export async function recover(parts: {
  journal: Journal;
  outbox: Outbox;
  logger: Logger;
}): Promise<Recovered> {
  const { journal, outbox, logger } = parts;
  const { runs, groups, sessionIds } = await journal.remains();
  for (const group of groups) {
    if (await killSurvivors(group))
      logger.warn({ pid: group.pid }, "killed a process group left by the agent before");
  }
  if (runs.length > 0)
    logger.warn({ runs: runs.length }, "runs of the agent before are reported as crashed");
  await outbox.put(
    runs.map(crashed),
    runs.map(({ runId }) => journal.runEnded(runId)),
  );
  await Promise.all(groups.map(({ pid }) => journal.groupEnded(pid)));
  return { endedSessionIds: sessionIds, crashed: runs };
}

function crashed({ runId, epoch, leaseToken }: StartedRun): TransitionItem {
  return {
    kind: "transition",
    runId,
    epoch,
    leaseToken,
    transitionId: uuidv7(),
    type: "CRASHED",
    name: "Crashed",
    reason: "agent_restarted",
    error: {
      class: "AgentRestarted",
      exitCode: null,
      signal: null,
      fingerprint: null,
      detail: null,
    },
  };
}
