import { createHash } from "node:crypto";
import {
  DownbeatError,
  type CreateOutcome,
  type ROUTES,
  type RouteReply,
  type RouteRequest,
  type Run,
  type RunSpec,
  type WrappedDataKey,
} from "@downbeat/contract";
import {
  createRuns,
  enforceStrategies,
  findTaken,
  insertRuns,
  readRuns,
  storeDataKeys,
  type CreatedRun,
  type Database,
  type InsertedRun,
  type MovedRun,
  type NewRun,
  type Tx,
} from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
import { GroupCommit } from "../../group-commit.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { isUnreachable } from "../../unreachable.ts";
import { AnswerLost } from "./answer-lost.ts";
import { LikelyPools } from "./likely-pools.ts";

// More than a full batch of creations can push out; whatever is left the engine finds.
const MOST_CANCELLED = 2000;

type Asked = { readonly rows: readonly NewRun[]; readonly dataKeys: readonly WrappedDataKey[] };

/** What became of one asked run. */
export type Made =
  /** `run` is null when it is not as it was just made, so that it has to be read. */
  { readonly runId: string; readonly run: (() => Run) | null } | { readonly error: DownbeatError };

/** Makes runs. Concurrent requests of a workspace share transactions; each is answered after its own is committed. */
export class RunCreator {
  readonly #services: Services;
  readonly #commits: GroupCommit<Asked, readonly Made[]>;
  readonly #likelyPools = new LikelyPools();

  constructor(services: Services) {
    this.#services = services;
    this.#commits = new GroupCommit({
      commit: (workspaceId, asked) => this.#commit(workspaceId, asked),
      weigh: ({ rows }) => rows.length,
      isFatal: isUnreachable,
    });
  }

  /** @throws {DownbeatError} flow_not_found, idempotency_mismatch */
  async createOne(
    ctx: RequestContext,
    spec: RunSpec,
    dataKeys: readonly WrappedDataKey[],
  ): Promise<Run> {
    const [made] = await this.#submit(ctx, [spec], dataKeys);
    if (made === undefined) throw new DownbeatError("internal");
    if ("error" in made) throw made.error;
    const [outcome] = await readOutcomes(this.#services.database, ctx, [made]);
    if (!outcome?.run) throw new DownbeatError("not_found"); // deleted since
    return outcome.run;
  }

  async createMany(
    ctx: RequestContext,
    { runs, dataKeys, returning }: RouteRequest<typeof ROUTES.createRuns>["body"],
  ): Promise<RouteReply<typeof ROUTES.createRuns>> {
    const made = await this.#submit(ctx, runs, dataKeys);
    if (returning === "ids") return { outcomes: made.map((one) => toOutcome(one, null)) };
    return { outcomes: await readOutcomes(this.#services.database, ctx, made) };
  }

  /**
   * Makes runs that are rows already, all or none of them.
   *
   * @throws {DownbeatError} `unavailable`, and none was made; {@link AnswerLost}, and they were; `database_unreachable`, and nobody knows
   */
  makeRows(workspaceId: string, rows: readonly NewRun[]): Promise<readonly Made[]> {
    return this.#commits.submit(workspaceId, { rows, dataKeys: [] });
  }

  #submit(
    ctx: RequestContext,
    specs: readonly RunSpec[],
    dataKeys: readonly WrappedDataKey[],
  ): Promise<readonly Made[]> {
    const { kind, id } = ctx.principal;
    const rows = specs.map((spec) => toRow(spec, { kind, id }));
    return this.#commits.submit(ctx.workspaceId, { rows, dataKeys });
  }

  async #commit(workspaceId: string, asked: readonly Asked[]): Promise<(readonly Made[])[]> {
    const rows = asked.flatMap((one) => one.rows);
    const dataKeys = asked.flatMap((one) => one.dataKeys);
    // Of a single request only: what fails after a commit must not be tried again in parts.
    const isSimple = asked.length === 1 && dataKeys.length === 0;
    const poolId = isSimple ? this.#likelyPools.of(workspaceId, rows) : undefined;
    const making = await (poolId === undefined
      ? this.#make(workspaceId, rows, dataKeys)
      : this.#makeAtOnce(workspaceId, rows, poolId));
    this.#likelyPools.note(workspaceId, rows, making.created);
    announceMade(this.#services, making);
    let at = 0;
    return asked.map((one) => making.made.slice(at, (at += one.rows.length)));
  }

  #make(
    workspaceId: string,
    rows: readonly NewRun[],
    dataKeys: readonly WrappedDataKey[],
  ): Promise<Making> {
    return this.#services.database.inWorkspace({ workspaceId }, async (tx) => {
      if (dataKeys.length > 0) await storeDataKeys(tx, dataKeys);
      return makeRuns(tx, rows);
    });
  }

  // In one round trip, and whoever waits for work in that pool looks for it in another right behind it.
  async #makeAtOnce(workspaceId: string, rows: readonly NewRun[], poolId: string): Promise<Making> {
    const { database, claims } = this.#services;
    const { inserted, isAhead } = await database.inWorkspace({ workspaceId }, async (tx) => {
      tx.ends();
      const inserting = insertRuns(tx, rows);
      const isAhead = claims.announceAhead(poolId, tx.behind);
      return { inserted: await inserting, isAhead };
    });
    const making = isAllMade(inserted)
      ? toMaking(rows, inserted, [])
      : await database
          .inWorkspace({ workspaceId }, async (tx) => {
            const created = await findTaken(tx, rows, inserted);
            return toMaking(rows, created, await enforceLimits(tx, created));
          })
          .catch((cause: unknown) => {
            throw new AnswerLost(cause);
          });
    return { ...making, ...(isAhead && { aheadIn: poolId }) };
  }
}

/** What a transaction has made; {@link announceMade} tells those who wait, once it is committed. */
export type Making = {
  readonly created: readonly CreatedRun[];
  readonly moved: readonly MovedRun[];
  readonly made: readonly Made[];
  /** The pool in which somebody was woken before the commit. */
  readonly aheadIn?: string;
};

/** Makes runs in a transaction, and cancels those that go beyond the limit of a deployment that wants it so. */
export async function makeRuns(tx: Tx, rows: readonly NewRun[]): Promise<Making> {
  const created = await createRuns(tx, rows);
  return toMaking(rows, created, await enforceLimits(tx, created));
}

// A deployment may cancel runs by now that this process has seen when it did not.
function isAllMade(inserted: readonly InsertedRun[]): inserted is readonly CreatedRun[] {
  return inserted.every(
    (answer) =>
      answer.status === "unknown" || (answer.status === "created" && answer.strategyOf === null),
  );
}

function toMaking(
  rows: readonly NewRun[],
  created: readonly CreatedRun[],
  moved: readonly MovedRun[],
): Making {
  const cancelled = new Set(moved.map(({ runId }) => runId));
  const made = created.map((answer, index) => toMade(answer, { row: rows[index], cancelled }));
  return { created, moved, made };
}

// Runs planned for later are found by the claim poll when their time has come.
export function announceMade(services: Services, { created, moved, aheadIn }: Making): void {
  const perPool = new Map<string, number>();
  if (aheadIn !== undefined) perPool.set(aheadIn, -1);
  for (const answer of created) {
    if (answer.status !== "created" || !answer.isDue) continue;
    perPool.set(answer.poolId, (perPool.get(answer.poolId) ?? 0) + 1);
  }
  for (const [poolId, runs] of perPool) services.claims.announce(poolId, Math.max(0, runs));
  announceMoved(services, moved);
}

/** @throws {DownbeatError} validation_failed when both an id and an idempotency key are given */
export function toRow(spec: RunSpec, createdBy: NewRun["createdBy"]): NewRun {
  const {
    flowName,
    deploymentName,
    parameters,
    tags,
    scheduledFor = null,
    idempotencyKey = null,
    parentRunId = null,
    runId = null,
    signature = null,
  } = spec;
  if (runId !== null && idempotencyKey !== null) {
    const message = `The run ${runId} is its own idempotency key; leave \`idempotencyKey\` out.`;
    throw new DownbeatError("validation_failed", { message });
  }
  return {
    runId,
    flowName,
    deploymentName,
    parameters,
    signature,
    scheduledFor,
    tags,
    idempotencyKey: runId ?? idempotencyKey,
    requestHash: runId === null && idempotencyKey === null ? "" : hashRequest(spec),
    createdBy,
    parentRunId,
  };
}

// Parameters cannot take part: sealing the same ones twice gives different texts.
// An id is chosen for one call of the code that asks, which may reckon the time anew when it asks again.
function hashRequest({ flowName, deploymentName, tags, scheduledFor, runId }: RunSpec): string {
  const terms = runId === undefined ? [tags, scheduledFor ?? null] : [];
  const request = JSON.stringify([flowName, deploymentName, ...terms]);
  return createHash("sha256").update(request).digest("base64url");
}

// Nothing is sent unless one of the deployments cancels what goes beyond its limit.
function enforceLimits(tx: Tx, answers: readonly CreatedRun[]): Promise<MovedRun[]> {
  const deploymentIds = new Set(
    answers.flatMap((answer) => (answer.status === "created" && answer.strategyOf) || []),
  );
  if (deploymentIds.size === 0) return Promise.resolve([]);
  return enforceStrategies(tx, { deploymentIds: [...deploymentIds], limit: MOST_CANCELLED });
}

type Resolving = {
  readonly row: NewRun | undefined;
  /** Runs that their deployment's strategy has ended at once. */
  readonly cancelled: ReadonlySet<string>;
};

function toMade(answer: CreatedRun, { row, cancelled }: Resolving): Made {
  switch (answer.status) {
    case "created":
      return { runId: answer.runId, run: cancelled.has(answer.runId) ? null : answer.run };
    case "standing":
      return { runId: answer.runId, run: null };
    case "mismatch":
      return { error: mismatch(answer.runId) };
    case "unknown":
      return { error: unknownDeployment(row, answer.flowExists) };
  }
}

function mismatch(runId: string): DownbeatError {
  const message = `The idempotency key made the run ${runId} before, for another flow, deployment, time or tags.`;
  return new DownbeatError("idempotency_mismatch", { message });
}

function unknownDeployment(row: NewRun | undefined, flowExists: boolean): DownbeatError {
  const flow = `"${row?.flowName ?? ""}"`;
  const message = flowExists
    ? `The flow ${flow} has no deployment "${row?.deploymentName ?? ""}" in this workspace.`
    : `No flow ${flow} is registered in this workspace (asked for its deployment "${row?.deploymentName ?? ""}").`;
  return new DownbeatError("flow_not_found", { message });
}

/** The answers with the runs themselves; those that are no longer as they were just made are read, all at once. */
export async function readOutcomes(
  database: Database,
  ctx: { workspaceId: string },
  made: readonly Made[],
): Promise<CreateOutcome[]> {
  const unknown = made.flatMap((one) => ("runId" in one && one.run === null ? one.runId : []));
  const read: ReadonlyMap<string, Run> =
    unknown.length === 0
      ? new Map()
      : await database.inWorkspace(ctx, (tx) => readRuns(tx, unknown));
  return made.map((one) =>
    toOutcome(one, "runId" in one ? (one.run?.() ?? read.get(one.runId) ?? null) : null),
  );
}

function toOutcome(made: Made, run: Run | null): CreateOutcome {
  if ("runId" in made) return { runId: made.runId, run, error: null };
  const { code, message } = made.error;
  return { runId: null, run: null, error: { code, message } };
}
