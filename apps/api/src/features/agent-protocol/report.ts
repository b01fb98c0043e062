import type { Actor, ReportAnswer, ReportItem, ReportOutcome } from "@downbeat/contract";
import {
  appendLogChunks,
  appendLogManifests,
  applyTransitions,
  lockRuns,
  readFormerLeases,
  upsertArtifacts,
  upsertMetrics,
  upsertTaskRuns,
  type LockedRun,
  type Tx,
} from "@downbeat/db";
import { GroupCommit } from "../../group-commit.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { isUnreachable } from "../../unreachable.ts";
import { decideReports, holdsLease, type Decision, type Standing } from "./decide-reports.ts";
import { ExpectedReports } from "./expected-reports.ts";

// Items of several agents share a transaction; room for four full requests keeps its locks short.
const MOST_ITEMS = 2000;

/** One agent's report, waiting to be committed together with others of the workspace. */
export type Submission = { readonly actor: Actor; readonly items: readonly ReportItem[] };

/** Takes reports: transitions, task runs, logs, artifacts and metrics. Idempotent; each item is answered on its own, in the order sent. */
export class Reporter {
  readonly #services: Services;
  readonly #commits: GroupCommit<Submission, readonly ReportOutcome[]>;
  readonly #expected: ExpectedReports;

  constructor(services: Services) {
    this.#services = services;
    this.#commits = new GroupCommit({
      commit: (workspaceId, submissions) => this.#commit(workspaceId, submissions),
      weigh: ({ items }) => items.length,
      maxWeight: MOST_ITEMS,
      isFatal: isUnreachable,
    });
    this.#expected = new ExpectedReports(services, {
      maxItems: MOST_ITEMS,
      decide: (workspaceId, report) => this.#commits.submit(workspaceId, report),
    });
  }

  async report(
    { workspaceId, principal }: RequestContext,
    items: readonly ReportItem[],
  ): Promise<ReportAnswer> {
    const report = { actor: { kind: principal.kind, id: principal.id }, items };
    const written =
      this.#expected.submit(workspaceId, report) ?? this.#commits.submit(workspaceId, report);
    return { outcomes: [...(await written)] };
  }

  async #commit(
    workspaceId: string,
    submissions: readonly Submission[],
  ): Promise<(readonly ReportOutcome[])[]> {
    const { database, now } = this.#services;
    const runIds = [
      ...new Set(submissions.flatMap(({ items }) => items.map((item) => item.runId))),
    ];
    const decision = await database.inWorkspace({ workspaceId }, async (tx) => {
      const runs = await lockRuns(tx, runIds, { transitionIds: transitionIdsOf(submissions) });
      const formerLeases = await this.#formerLeases(tx, runs, submissions);
      const standing = { workspaceId, runs, formerLeases, now: now() };
      const decided = decideReports(standing, submissions);
      await write(tx, decided);
      return decided;
    });
    this.#announce(decision);
    return decision.outcomes;
  }

  // Only what shows another lease than its run's costs this look.
  async #formerLeases(
    tx: Tx,
    runs: ReadonlyMap<string, LockedRun>,
    submissions: readonly Submission[],
  ): Promise<Standing["formerLeases"]> {
    const items = submissions.flatMap((submission) => submission.items);
    const foreign = items.filter((item) => {
      if (item.kind === "transition") return false;
      const run = runs.get(item.runId);
      return run !== undefined && !holdsLease(run, item);
    });
    return foreign.length === 0 ? new Map() : readFormerLeases(tx, foreign);
  }

  #announce({ told, endedRunIds, claimablePoolIds }: Decision): void {
    const { logWaits, claims } = this.#services;
    for (const runId of new Set([...told.log.map((log) => log.runId), ...endedRunIds]))
      logWaits.wake(runId, undefined);
    if (endedRunIds.length > 0) claims.announceFreedSlots();
    for (const poolId of claimablePoolIds) claims.announce(poolId, 1);
  }
}

// All are sent before any is answered, and the commit with them.
async function write(tx: Tx, { transitions, told }: Decision): Promise<void> {
  const { task_run: taskRuns, log: logs, log_manifest: manifests } = told;
  const { artifact: artifacts, metric: metrics } = told;
  const writes = [
    ...(transitions.length > 0 ? [() => applyTransitions(tx, transitions)] : []),
    ...(taskRuns.length > 0 ? [() => upsertTaskRuns(tx, taskRuns)] : []),
    ...(logs.length > 0 ? [() => appendLogChunks(tx, logs)] : []),
    ...(manifests.length > 0 ? [() => appendLogManifests(tx, manifests)] : []),
    ...(artifacts.length > 0 ? [() => upsertArtifacts(tx, artifacts)] : []),
    ...(metrics.length > 0 ? [() => upsertMetrics(tx, metrics)] : []),
  ];
  await Promise.all(
    writes.map((send, index) => {
      if (index === writes.length - 1) tx.ends();
      return send();
    }),
  );
}

function transitionIdsOf(submissions: readonly Submission[]): string[] {
  const items = submissions.flatMap((submission) => submission.items);
  return items.flatMap((item) => (item.kind === "transition" ? [item.transitionId] : []));
}
