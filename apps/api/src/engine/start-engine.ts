import {
  enforceStrategies,
  forgetAgents,
  forgetSessions,
  markLate,
  poolsWithClaimableRuns,
  sweepPauses,
  sweepSessions,
  type EngineTx,
  type MovedRun,
} from "@downbeat/db";
import type { Services } from "../services.ts";
import { addUpTallies } from "./add-up-tallies.ts";
import { announceMoved } from "./announce-moved.ts";
import { deadRowsRound } from "./compact-live-runs.ts";
import { partitionsRound } from "./keep-partitions.ts";
import { startLoop } from "./loop.ts";

/** How often held claims look for work that another process made, or whose time has come. */
const CLAIM_POLL_MS = 1000;
/** How often partitions are looked after: seldom, and yet a process that lives for minutes gets to it. */
const PARTITIONS_MS = 60_000;
/** How often agents that are silent for long are looked for; the first round leaves time to be heard again after a start. */
const AGENTS_MS = 600_000;
/** Longer than a plane is ever away: a day of that must cost nobody its agent. */
const SILENT_HOURS = 72;
/** For how long sessions are kept that are over, whatever the retention of runs. */
const SESSION_DAYS = 30;
const SESSIONS = 10_000;
/** How often counts of ended runs are added up: the fewer wait, the less a reader has to add. */
const TALLIES_MS = 10_000;
/** How often dead rows of live runs are counted: no more pile up than die meanwhile. */
const DEAD_ROWS_MS = 5000;
/** Most runs that one statement moves; a round repeats while there are more. */
const BATCH = 500;

export type Engine = { readonly stop: () => Promise<void> };

/** Starts the background loops. Each survives its own failures; they may run in several processes at once. */
export function startEngine(services: Services): Engine {
  const { config, log } = services;
  const sweepMs = config.sweepSeconds * 1000;
  const loops = [
    startLoop({
      name: "sweep",
      intervalMs: sweepMs,
      round: sweepRound(services, () => performance.now()),
      log,
    }),
    startLoop({ name: "pauses", intervalMs: sweepMs, round: () => endPauses(services), log }),
    startLoop({ name: "late", intervalMs: sweepMs, round: () => nameLate(services), log }),
    startLoop({
      name: "limits",
      intervalMs: sweepMs,
      round: () => keepToStrategies(services),
      log,
    }),
    startLoop({
      name: "claim-poll",
      intervalMs: CLAIM_POLL_MS,
      round: () => pollForClaims(services),
      log,
    }),
    startLoop({
      name: "partitions",
      intervalMs: PARTITIONS_MS,
      round: partitionsRound(services),
      log,
    }),
    startLoop({ name: "dead-rows", intervalMs: DEAD_ROWS_MS, round: deadRowsRound(services), log }),
    startLoop({
      name: "tallies",
      intervalMs: TALLIES_MS,
      round: () => addUpTallies(services),
      log,
    }),
    startLoop({ name: "agents", intervalMs: AGENTS_MS, round: () => forgetSilent(services), log }),
  ];
  return { stop: async () => void (await Promise.all(loops.map((loop) => loop.stop()))) };
}

/**
 * Makes the sweep's round. After a start, and after the database was away, it rests for one lease: agents could not
 * beat meanwhile, and every healthy run would be taken for lost at once. The reconnect window begins anew as well.
 */
export function sweepRound(services: Services, monotonicMs: () => number): () => Promise<void> {
  const { config, log } = services;
  const leaseMs = config.leaseSeconds * 1000;
  let availableSinceMs = monotonicMs();
  return async () => {
    const availableMs = monotonicMs() - availableSinceMs;
    if (availableMs < leaseMs) return;
    const { reconnectWindowSeconds, cancelDeadlineSeconds } = config;
    try {
      const availableSeconds = availableMs / 1000;
      const sweep = {
        reconnectWindowSeconds,
        cancelDeadlineSeconds,
        availableSeconds,
        limit: BATCH,
      };
      const moved = await inBatches(services, (tx) => sweepSessions(tx, sweep));
      for (const { runId, sessionId, type, name } of moved)
        log.info({ runId, sessionId, type, name }, "swept a run");
    } catch (error) {
      availableSinceMs = monotonicMs();
      throw error;
    }
  };
}

async function endPauses(services: Services): Promise<void> {
  const moved = await inBatches(services, (tx) => sweepPauses(tx, { limit: BATCH }));
  // An agent whose process waits asks at once what has become of it.
  for (const { sessionId } of moved) if (sessionId !== null) services.claims.endHold(sessionId);
  if (moved.length > 0) services.log.info({ runs: moved.length }, "nobody resumed runs in time");
}

async function nameLate(services: Services): Promise<void> {
  const { lateAfterSeconds } = services.config;
  const moved = await inBatches(services, (tx) => markLate(tx, { lateAfterSeconds, limit: BATCH }));
  if (moved.length > 0)
    services.log.info({ runs: moved.length }, "runs wait for a slot, or are late");
}

// Creations see to it at once; this finds runs whose time came later, and what two processes made at the same moment.
async function keepToStrategies(services: Services): Promise<void> {
  const moved = await inBatches(services, (tx) => enforceStrategies(tx, { limit: BATCH }));
  if (moved.length > 0)
    services.log.info({ runs: moved.length }, "cancelled runs beyond the limits of deployments");
}

async function forgetSilent({ database, log }: Services): Promise<void> {
  const silentHours = SILENT_HOURS;
  const agentIds = await database.asEngine((tx) => forgetAgents(tx, { silentHours }));
  if (agentIds.length > 0) log.info({ agentIds }, "forgot agents that are silent for long");
  const over = { overDays: SESSION_DAYS, limit: SESSIONS };
  while ((await database.asEngine((tx) => forgetSessions(tx, over))) === SESSIONS);
}

async function pollForClaims({ claims, database }: Services): Promise<void> {
  const { poolIds } = claims;
  if (poolIds.length === 0) return;
  const claimable = await database.asEngine((tx) => poolsWithClaimableRuns(tx, poolIds));
  for (const poolId of claimable) claims.announceHere(poolId, 1);
}

async function inBatches(
  services: Services,
  step: (tx: EngineTx) => Promise<MovedRun[]>,
): Promise<MovedRun[]> {
  const all: MovedRun[] = [];
  for (;;) {
    const moved = await services.database.asEngine(step);
    announceMoved(services, moved);
    all.push(...moved);
    if (moved.length < BATCH) return all;
  }
}
