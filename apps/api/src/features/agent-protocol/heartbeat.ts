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

const IDLE_REST_MS = 250;

/** Takes heartbeats; those of a workspace that arrive together are one statement. */
export class HeartbeatDesk {
  readonly #services: Services;
  readonly #commits: GroupCommit<Beat, BeatAnswer>;
  /** Of agents without work. Those that follow soon upon each other wait to be written together; work for one of them does not. */
  readonly #idleCommits: GroupCommit<Beat, BeatAnswer>;

  constructor(services: Services) {
    const { database, config } = services;
    this.#services = services;
    const options = {
      commit: (workspaceId: string, beats: readonly Beat[]) =>
        // Beats that a crash of the database undoes are made up for by the amnesty after it.
        database.inWorkspace({ workspaceId, flush: "later" }, (tx) => {
          tx.ends();
          return heartbeat(tx, beats, { leaseSeconds: config.leaseSeconds });
        }),
      isFatal: isUnreachable,
    };
    this.#commits = new GroupCommit(options);
    this.#idleCommits = new GroupCommit({ ...options, restMs: IDLE_REST_MS });
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
    const answer = await this.#renew(this.#commits, ctx, { sessionId, tick });
    const { renewed, ownedRuns, cancel } = answer;
    const { held, fenced } = sortOut(runs, ownedRuns);
    // Neither list names a run twice, so one that the agent did not name shows in the count.
    if (renewed && held.length < ownedRuns.length) await this.#settleAbsent(ctx, sessionId, runs);
    const inputs = await this.#inputs(ctx, held);
    return {
      cancel: [...cancel],
      fenced: fenced.map(({ runId }) => runId),
      inputs,
      drain: false,
      intervals: this.#services.intervals,
    };
  }

  /**
   * Takes the heartbeat of an agent without work, together with those of others, unless {@link hurry} is called.
   *
   * @param hasWork whether it has been given some since it asked
   * @throws {DownbeatError} session_ended when the session is not open (any more).
   */
  async beatIdle(
    ctx: RequestContext,
    { sessionId, tick }: { sessionId: string; tick: number },
    hasWork: () => boolean,
  ): Promise<void> {
    const { renewed, ownedRuns } = await this.#renew(this.#idleCommits, ctx, { sessionId, tick });
    if (renewed && ownedRuns.length > 0 && !hasWork()) await this.#settleAbsent(ctx, sessionId, []);
  }

  /** Somebody waits for the heartbeats of idle agents. */
  hurry({ workspaceId }: RequestContext): void {
    this.#idleCommits.hurry(workspaceId);
  }

  async #renew(
    commits: GroupCommit<Beat, BeatAnswer>,
    { workspaceId, principal }: RequestContext,
    { sessionId, tick }: { sessionId: string; tick: number },
  ): Promise<BeatAnswer> {
    const beat = { sessionId, principalId: principal.id, tick };
    const answer = await commits.submit(workspaceId, beat);
    if (answer.open) return answer;
    throw new DownbeatError("session_ended", {
      message: `The session ${sessionId} is not open.`,
    });
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
    held: readonly ListedRun[],
  ): Promise<HeartbeatAnswer["inputs"]> {
    const awaited = held.flatMap(({ runId, awaits }) =>
      awaits === undefined ? [] : { runId, key: awaits },
    );
    if (awaited.length === 0) return [];
    return this.#services.database.inWorkspace(ctx, (tx) => readRunInputs(tx, awaited));
  }
}

type ListedRun = HeartbeatRequest["runs"][number];

/** Which of the runs that the agent names its session holds, and of which the lease is void. */
function sortOut(
  listed: readonly ListedRun[],
  owned: BeatAnswer["ownedRuns"],
): { held: ListedRun[]; fenced: ListedRun[] } {
  const epochs = new Map(owned.map(({ runId, epoch }) => [runId, epoch]));
  const held: ListedRun[] = [];
  const fenced: ListedRun[] = [];
  for (const run of listed) (epochs.get(run.runId) === run.epoch ? held : fenced).push(run);
  return { held, fenced };
}
