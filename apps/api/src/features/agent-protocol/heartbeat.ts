import { DownbeatError, type HeartbeatAnswer, type HeartbeatRequest } from "@downbeat/contract";
import {
  heartbeat,
  readRunInputs,
  settleAbsentRuns,
  type Beat,
  type BeatAnswer,
} from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
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
    const { open, renewed, ownedRuns, cancel } = await this.#commits.submit(ctx.workspaceId, beat);
    if (!open)
      throw new DownbeatError("session_ended", {
        message: `The session ${sessionId} is not open.`,
      });
    if (renewed && isMissing(ownedRuns, runs)) await this.#settleAbsent(ctx, sessionId, runs);
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

  // A lost answer or a lost release can leave a lease that its agent never heard of, and that would stay for ever.
  async #settleAbsent(
    ctx: RequestContext,
    sessionId: string,
    held: HeartbeatRequest["runs"],
  ): Promise<void> {
    const { database, config, log } = this.#services;
    const { kind, id } = ctx.principal;
    const absent = { sessionId, held, graceSeconds: config.leaseSeconds, actor: { kind, id } };
    const moved = await database.inWorkspace(ctx, (tx) => settleAbsentRuns(tx, absent));
    announceMoved(this.#services, moved);
    for (const { runId, type } of moved)
      log.info({ runId, sessionId, type }, "settled a run its agent does not know of");
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

function isMissing(owned: BeatAnswer["ownedRuns"], listed: HeartbeatRequest["runs"]): boolean {
  const epochs = new Map(listed.map(({ runId, epoch }) => [runId, epoch]));
  return owned.some(({ runId, epoch }) => epochs.get(runId) !== epoch);
}
