import {
  findTaken,
  insertLeasedRun,
  insertRuns,
  type ClaimedRuns,
  type InsertedRun,
  type NewRun,
} from "@downbeat/db";
import type { StandingClaim } from "../../engine/claim-desk.ts";
import type { Services } from "../../services.ts";
import { AnswerLost } from "./answer-lost.ts";
import { enforceLimits, isAllMade, toMaking, type Making } from "./making.ts";

/** Runs that will probably all be due at once in this pool. */
export type LikelyRuns = { readonly rows: readonly NewRun[]; readonly poolId: string };

/**
 * Makes a few runs in one round trip. Whoever waits for work in their pool has it by then, if it is a single run, or looks for it in
 * another round trip right behind.
 *
 * @throws {AnswerLost} when the runs were made, and what there is to say of them could not be read
 */
export async function makeAtOnce(
  services: Services,
  workspaceId: string,
  { rows, poolId }: LikelyRuns,
): Promise<Making> {
  const [row, ...others] = rows;
  const standing = others.length === 0 ? services.claims.firstStanding(poolId) : undefined;
  const { inserted, isAhead } = await (row === undefined || standing === undefined
    ? insertAhead(services, workspaceId, { rows, poolId })
    : insertFor(services, workspaceId, { row, standing }));
  const making = isAllMade(inserted)
    ? toMaking(rows, inserted, [])
    : await settle(services, workspaceId, { rows, inserted });
  return { ...making, ...(isAhead && { aheadIn: poolId }) };
}

type Inserted = { readonly inserted: readonly InsertedRun[]; readonly isAhead: boolean };

function insertAhead(
  { database, claims }: Services,
  workspaceId: string,
  { rows, poolId }: LikelyRuns,
): Promise<Inserted> {
  return database.inWorkspace({ workspaceId }, async (tx) => {
    tx.ends();
    const inserting = insertRuns(tx, rows);
    const isAhead = claims.announceAhead(poolId, tx.behind);
    return { inserted: await inserting, isAhead };
  });
}

// The claim leaves the line at once, so that nobody else makes a run for it meanwhile. If the run cannot be given away, or is not made
// at all, it looks like anybody who was woken.
async function insertFor(
  { database }: Services,
  workspaceId: string,
  { row, standing }: { row: NewRun; standing: StandingClaim },
): Promise<Inserted> {
  const inserting = database.inWorkspace({ workspaceId }, (tx) =>
    insertLeasedRun(tx, row, standing.claim),
  );
  standing.give(
    inserting.then(
      ({ claimed }) => claimed,
      () => NOTHING,
    ),
  );
  return { inserted: [(await inserting).inserted], isAhead: true };
}

const NOTHING: ClaimedRuns = { leases: [], deployments: [], sequences: [] };

function settle(
  { database }: Services,
  workspaceId: string,
  { rows, inserted }: { rows: readonly NewRun[]; inserted: readonly InsertedRun[] },
): Promise<Making> {
  const settling = database.inWorkspace({ workspaceId }, async (tx) => {
    const created = await findTaken(tx, rows, inserted);
    return toMaking(rows, created, await enforceLimits(tx, created));
  });
  return settling.catch((cause: unknown) => {
    throw new AnswerLost(cause);
  });
}
