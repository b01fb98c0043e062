import { DownbeatError, type HeartbeatAnswer, type HeartbeatRequest } from "@downbeat/contract";
import { heartbeat, readRunInputs, type Beat, type BeatAnswer } from "@downbeat/db";
import { GroupCommit } from "../../group-commit.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { isUnreachable } from "../../unreachable.ts";

/** Takes heartbeats; those of a workspace that arrive together are one statement. */
export class HeartbeatDesk {
  readonly #services: Services;
  readonly #commits: GroupCommit<Beat, BeatAnswer>;

  constructor(services: Services) {
    const { database, config } = services;
    this.#services = services;
    this.#commits = new GroupCommit({
      commit: (workspaceId, beats) =>
        database.inWorkspace({ workspaceId }, (tx) =>
          heartbeat(tx, beats, { leaseSeconds: config.leaseSeconds }),
        ),
      isFatal: isUnreachable,
    });
  }

  /**
   * Renews a session's leases. The answer lists runs to cancel, and those the agent believes to hold but does not.
   *
   * @throws {DownbeatError} session_ended when the session is not open (any more).
   */
  async beat(
    ctx: RequestContext,
    { sessionId, tick, runs }: HeartbeatRequest,
  ): Promise<HeartbeatAnswer> {
    const beat = { sessionId, principalId: ctx.principal.id, tick };
    const { open, ownedRuns, cancel } = await this.#commits.submit(ctx.workspaceId, beat);
    if (!open)
      throw new DownbeatError("session_ended", {
        message: `The session ${sessionId} is not open.`,
      });
    const owned = new Map(ownedRuns.map(({ runId, epoch }) => [runId, epoch]));
    const fenced = runs
      .filter(({ runId, epoch }) => owned.get(runId) !== epoch)
      .map(({ runId }) => runId);
    const inputs = await this.#inputs(ctx, runs, owned);
    return {
      cancel: [...cancel],
      fenced,
      inputs,
      drain: false,
      intervals: this.#services.intervals,
    };
  }

  /** Only agents with a process that waits at a pause point cost this second look. */
  async #inputs(
    ctx: RequestContext,
    runs: HeartbeatRequest["runs"],
    owned: ReadonlyMap<string, number>,
  ): Promise<HeartbeatAnswer["inputs"]> {
    const awaited = runs.flatMap(({ runId, epoch, awaits }) =>
      awaits !== undefined && owned.get(runId) === epoch ? { runId, key: awaits } : [],
    );
    if (awaited.length === 0) return [];
    return this.#services.database.inWorkspace(ctx, (tx) => readRunInputs(tx, awaited));
  }
}
