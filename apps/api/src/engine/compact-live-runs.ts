import { isWorthCompacting } from "@downbeat/core";
import {
  compactLiveRun,
  countDeadRows,
  endIdleTransactions,
  sqlStateOf,
  type OldestTransaction,
} from "@downbeat/db";
import type { Services } from "../services.ts";

/** What a statement fails with that did not get its lock in time. */
const LOCK_NOT_AVAILABLE = "55P03";
/** A transaction is named in the log once it has been open for so long. */
const LONG_SECONDS = 300;

type Compacting = {
  readonly database: Services["database"];
  readonly log: Record<"debug" | "warn", (about: object, message: string) => void>;
};

/**
 * Makes the round that keeps dead rows of live_run few, also while a transaction left open keeps vacuum from them. The log names
 * that transaction. A session of our own role that is idle in one, and stands in the way, is ended after a while.
 *
 * @param idleSeconds how long such a session may be idle; for tests
 */
export function deadRowsRound(
  services: Compacting,
  idleSeconds: number = LONG_SECONDS,
): () => Promise<void> {
  let deadBefore = 0;
  let named: number | undefined;
  return async () => {
    const { live, dead, oldest } = await services.database.asEngine(countDeadRows);
    const heldBackSeconds = oldest?.ageSeconds ?? 0;
    if (oldest === null || heldBackSeconds < LONG_SECONDS) named = undefined;
    else if (named !== oldest.pid) named = name(services, oldest);
    const isDue = isWorthCompacting({ live, dead, deadBefore, heldBackSeconds });
    deadBefore = dead;
    if (isDue) await compact(services, { dead, idleSeconds });
  };
}

function name({ log }: Compacting, oldest: OldestTransaction): number {
  log.warn(oldest, "a transaction left open keeps the database from clearing away dead rows");
  return oldest.pid;
}

async function compact(
  { database, log }: Compacting,
  { dead, idleSeconds }: { readonly dead: number; readonly idleSeconds: number },
): Promise<void> {
  try {
    const live = await database.asEngine(compactLiveRun);
    log.debug({ live, dead }, "left dead rows of live runs behind");
  } catch (error) {
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
    const ended = await database.asEngine((tx) => endIdleTransactions(tx, idleSeconds));
    for (const one of ended)
      log.warn(one, "ended a session that was idle in a transaction and held on to live runs");
  }
}
