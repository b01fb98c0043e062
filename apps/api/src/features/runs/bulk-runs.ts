import {
  BULK_COUNT_LIMIT,
  describeMatched,
  DownbeatError,
  isTerminal,
  STATE_TYPES,
  type BulkAnswer,
  type BulkRequest,
  type Role,
  type StateType,
} from "@downbeat/contract";
import { countRuns, deleteRuns, findRunIds, lockRuns, type Tx } from "@downbeat/db";
import { requireAccess } from "../../auth/principal.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { announceCancelled, cancelRuns } from "./cancel-runs.ts";
import { retryRuns } from "./retry-runs.ts";

type Action = BulkRequest["action"];
type By = {
  readonly ctx: RequestContext;
  readonly now: Date;
  readonly mode: BulkRequest["mode"];
};
/** How many runs were acted upon, and whom to wake once that is committed. */
type Acted = { readonly done: number; readonly announce?: (services: Services) => void };

type ActionRule = {
  /** States that allow it. */
  readonly allowed: readonly StateType[];
  /** Those of them that are meant when the filter names no state. */
  readonly byDefault: readonly StateType[];
  readonly role: Role;
  readonly act: (tx: Tx, runIds: readonly string[], by: By) => Promise<Acted>;
};

const ENDED = STATE_TYPES.filter((type) => isTerminal(type));
const CANCELLABLE: StateType[] = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED"];

const ACTIONS: Record<Action, ActionRule> = {
  cancel: { allowed: CANCELLABLE, byDefault: CANCELLABLE, role: "runner", act: cancelAll },
  retry: {
    allowed: ENDED,
    byDefault: ENDED.filter((type) => type !== "COMPLETED"),
    role: "runner",
    act: retryAll,
  },
  delete: { allowed: ENDED, byDefault: ENDED, role: "developer", act: deleteAll },
};

/**
 * Acts on the runs that a filter matches, newest first, at most `limit` of them; `nextCursor` goes on from there.
 *
 * @throws {DownbeatError} role_insufficient; conflict when `expectedCount` is not what matches now.
 */
export async function bulkRuns(
  services: Services,
  ctx: RequestContext,
  request: BulkRequest,
): Promise<BulkAnswer> {
  const rule = ACTIONS[request.action];
  requireAccess(ctx.principal.role, [rule.role]);
  const { stateType, ...filter } = request.filter;
  const stateTypes = stateType?.filter((type) => rule.allowed.includes(type)) ?? rule.byDefault;
  const selection = { filter, stateTypes, cursor: request.cursor };
  const { answer, announce } = await services.database.inWorkspace(ctx, async (tx) => {
    const matched = await countRuns(tx, { ...selection, limit: BULK_COUNT_LIMIT });
    checkExpected(request, matched);
    if (request.dryRun) return { answer: { matched, done: 0, nextCursor: null } };
    const runIds = await findRunIds(tx, { ...selection, limit: request.limit });
    const acted = await rule.act(tx, runIds, { ctx, now: services.now(), mode: request.mode });
    const nextCursor = matched > runIds.length ? (runIds.at(-1) ?? null) : null;
    return { answer: { matched, done: acted.done, nextCursor }, announce: acted.announce };
  });
  announce?.(services);
  return answer;
}

function checkExpected({ expectedCount }: BulkRequest, matched: number): void {
  if (expectedCount === undefined || expectedCount === matched) return;
  throw new DownbeatError("conflict", {
    message: `${describeMatched(matched)} runs match by now, not ${expectedCount}; nothing was done.`,
  });
}

async function cancelAll(tx: Tx, runIds: readonly string[], by: By): Promise<Acted> {
  const cancelled = await cancelRuns(tx, runIds, by);
  const asked = new Set(runIds);
  return {
    done: cancelled.transitions.filter(({ runId }) => asked.has(runId)).length,
    announce: (services) => announceCancelled(services, cancelled),
  };
}

async function retryAll(tx: Tx, runIds: readonly string[], by: By): Promise<Acted> {
  const revived = await retryRuns(tx, (await lockRuns(tx, runIds)).values(), by);
  return {
    done: revived.length,
    announce: ({ claims }) => {
      for (const { poolId } of revived) claims.announce(poolId, 1);
    },
  };
}

async function deleteAll(tx: Tx, runIds: readonly string[]): Promise<Acted> {
  return { done: (await deleteRuns(tx, runIds)).length };
}
