import type { Actor, ReportItem, ReportOutcome, TransitionItem } from "@downbeat/contract";
import type { ExpectedCompletion } from "@downbeat/db";
import { GroupCommit } from "../../group-commit.ts";
import type { Services } from "../../services.ts";
import { isUnreachable } from "../../unreachable.ts";
import { EXPECTED_STEPS, isExpected, isHeldBy, isStep, type StepKind } from "./expected-steps.ts";

type Report<Item> = { readonly actor: Actor; readonly items: readonly Item[] };
type Outcomes = readonly ReportOutcome[];
type Commits = GroupCommit<Report<TransitionItem>, Outcomes>;

export type ExpectedReportsOptions = {
  readonly maxItems: number;
  /** Takes a report that turned out not to be as expected. */
  readonly decide: (workspaceId: string, report: Report<TransitionItem>) => Promise<Outcomes>;
};

/**
 * Takes reports that hold nothing but one step of runs that stand before it, as far as this process remembers. They are
 * written in one statement which names what it expects of each run; nothing is locked or read before. What does not
 * stand so is decided like any other report.
 */
export class ExpectedReports {
  readonly #services: Services;
  readonly #decide: ExpectedReportsOptions["decide"];
  readonly #commits: Readonly<Record<StepKind, Commits>>;

  constructor(services: Services, { maxItems, decide }: ExpectedReportsOptions) {
    this.#services = services;
    this.#decide = decide;
    const commitsOf = (kind: StepKind): Commits =>
      new GroupCommit({
        commit: (workspaceId, reports) => this.#commit(kind, workspaceId, reports),
        weigh: ({ items }) => items.length,
        maxWeight: maxItems,
        isFatal: isUnreachable,
      });
    // Starts apart from completions: a statement holds one kind, and so locks all its runs in order.
    this.#commits = { start: commitsOf("start"), completion: commitsOf("completion") };
  }

  /** Undefined, and nothing done, unless every item of the report is expected. */
  submit(workspaceId: string, { actor, items }: Report<ReportItem>): Promise<Outcomes> | undefined {
    const [first] = items;
    if (first?.kind !== "transition") return undefined;
    const kind = first.type === "RUNNING" ? "start" : "completion";
    const steps: TransitionItem[] = [];
    for (const item of items) {
      const run = this.#services.runMemory.get(workspaceId, item.runId);
      if (!isStep(kind, item) || !isExpected(kind, item, run) || !isHeldBy(actor, run))
        return undefined;
      steps.push(item);
    }
    return this.#commits[kind].submit(workspaceId, { actor, items: steps });
  }

  async #commit(
    kind: StepKind,
    workspaceId: string,
    reports: readonly Report<TransitionItem>[],
  ): Promise<readonly Outcomes[]> {
    const { database, now } = this.#services;
    const at = now().toISOString();
    const steps = reports.flatMap(({ actor, items }) =>
      items.map((item) => this.#toStep(workspaceId, item, actor)),
    );
    const written = await database.inWorkspace({ workspaceId }, (tx) =>
      EXPECTED_STEPS[kind].write(tx, steps, at),
    );
    if (kind === "completion") this.#announceEnded(steps);
    // Those that did stand as expected are written by now: their transitions will be found, and answered the same.
    if (written < steps.length)
      return Promise.all(reports.map((report) => this.#decide(workspaceId, report)));
    if (kind === "start") for (const step of steps) this.#noteStarted(workspaceId, step);
    const { type, name } = EXPECTED_STEPS[kind];
    const accepted = { status: "accepted", state: { type, name, at }, waitSeconds: null } as const;
    return reports.map(({ items }) => items.map(() => accepted));
  }

  // Taken out of the memory: should anything go wrong from here on, the next report reads the run.
  #toStep(workspaceId: string, item: TransitionItem, actor: Actor): ExpectedCompletion {
    const { runId, epoch, leaseToken, transitionId, result = null, emptyLog } = item;
    const run = this.#services.runMemory.take(workspaceId, runId);
    const sequence = run === undefined ? 0 : run.sequence + 1;
    return { runId, epoch, leaseToken, transitionId, actor, result, emptyLog, sequence };
  }

  #noteStarted(
    workspaceId: string,
    { runId, epoch, leaseToken, sequence, actor: holder }: ExpectedCompletion,
  ): void {
    const type = EXPECTED_STEPS.start.type;
    this.#services.runMemory.note(runId, {
      workspaceId,
      epoch,
      leaseToken,
      holder,
      type,
      sequence,
    });
  }

  #announceEnded(steps: readonly ExpectedCompletion[]): void {
    const { logWaits, claims } = this.#services;
    for (const { runId } of steps) logWaits.wake(runId, undefined);
    claims.announceFreedSlots();
  }
}
