import { ClaimAnswer, ReportAnswer, ReportRequest, ClaimRequest, ROUTES } from "@downbeat/contract";
import { checkHistory, HistoryLog, type FinalRun } from "@downbeat/testkit/history";
import type { LedgerRun } from "./ledger.ts";

/** A call as it passed by, with what the API answered. */
export type PassedCall = {
  readonly path: string;
  readonly status: number;
  readonly requestBody: string;
  readonly answerBody: string;
};

/**
 * What agents asked on the wire and what the API said to it, also where the answer never reached the agent: an answer
 * given is a promise made.
 */
export class WireLog {
  readonly #log = new HistoryLog(() => Date.now());

  /** Takes note of claims and reports that the API granted. */
  note({ path, status, requestBody, answerBody }: PassedCall): void {
    if (status !== 200) return;
    if (path === ROUTES.claim.path) {
      const { sessionId, claimRequestId } = ClaimRequest.parse(JSON.parse(requestBody));
      const { leases } = ClaimAnswer.parse(JSON.parse(answerBody));
      this.#log.invoke(sessionId, "claim", { sessionId, claimRequestId }).ok({ leases });
    }
    if (path === ROUTES.report.path) {
      const { items } = ReportRequest.parse(JSON.parse(requestBody));
      const { outcomes } = ReportAnswer.parse(JSON.parse(answerBody));
      const told = items.flatMap((item, at) =>
        item.kind === "transition" ? [{ item, status: outcomes[at]?.status ?? "" }] : [],
      );
      this.#log
        .invoke("agent", "report", { items: told.map(({ item }) => item) })
        .ok({ statuses: told.map(({ status }) => status) });
    }
  }

  /** Holds the answers against what the database holds in the end; one sentence for each contradiction. */
  contradictions(runs: readonly LedgerRun[]): string[] {
    const state = {
      atMs: Date.now(),
      runs: runs.map(finalRun),
      sessions: [],
      poolLimits: new Map<string, number>(),
    };
    return checkHistory(this.#log.entries, state).map(
      ({ invariant, message }) => `${invariant}: ${message}`,
    );
  }
}

function finalRun({ runId, states }: LedgerRun): FinalRun {
  const history = states.map(({ at, ...row }) => ({ ...row, atMs: at.getTime() }));
  return { runId, poolId: null, sessionId: null, history };
}
