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
import { readRuns, storeDataKeys, type Database, type NewRun } from "@downbeat/db";
import { GroupCommit } from "../../group-commit.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { isUnreachable } from "../../unreachable.ts";
import { LikelyPools } from "./likely-pools.ts";
import { makeAtOnce } from "./make-at-once.ts";
import { announceMade, makeRuns, type Made, type Making } from "./making.ts";

type Asked = { readonly rows: readonly NewRun[]; readonly dataKeys: readonly WrappedDataKey[] };

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
   * @throws {DownbeatError} `unavailable`, and none was made; `AnswerLost`, and they were; `database_unreachable`, and nobody knows
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
      : makeAtOnce(this.#services, workspaceId, { rows, poolId }));
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
