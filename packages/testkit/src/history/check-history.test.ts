import { describe, expect, it } from "vitest";
import { checkHistory, INVARIANTS, type InvariantName } from "./check-history.ts";
import type { FinalRow, Grant } from "./final-state.ts";
import { aGoodWorld, GRANT, HISTORY, row, TOKEN, type World } from "./good-world.fixture.ts";

const LEASE_MS = 45_000;
function withHistory(
  world: World,
  history: readonly FinalRow[],
  sessionId: string | null = null,
): void {
  world.state.runs = [{ runId: "run-1", poolId: "p", sessionId, history }];
}

/** A second run beside the first, with the same times. */
function withTwin({ state }: World, given: Partial<Grant> = {}): void {
  state.runs = [...state.runs, { runId: "run-2", poolId: "p", sessionId: null, history: HISTORY }];
  state.grants = [GRANT, { ...GRANT, runId: "run-2", claimRequestId: "c2", ...given }];
}

const report = (
  { log }: World,
  given: { transitionId: string; type?: string; epoch?: number; leaseToken?: string },
) =>
  log
    .invoke("agent-2", "report", {
      items: [{ runId: "run-1", epoch: 1, leaseToken: TOKEN, type: "COMPLETED", ...given }],
    })
    .ok({ statuses: ["accepted"] });

const unreachable = (atMs: number) =>
  row(3, atMs, {
    type: "RUNNING",
    name: "Unreachable",
    actorKind: "engine",
    actorId: null,
    reason: "unreachable",
    transitionId: "u",
  });

/** For each invariant, how a history offends against it. */
const OFFENCES: Record<InvariantName, (world: World) => void> = {
  accepted_trigger_ends_once: (world) => withHistory(world, HISTORY.slice(0, 3)),
  terminal_is_final: (world) =>
    withHistory(world, [...HISTORY, row(4, 4000, { type: "FAILED", name: "Failed" })]),
  one_accepted_completion: (world) => report(world, { transitionId: "t3" }),
  accepted_write_is_kept: (world) => report(world, { transitionId: "t3", type: "RUNNING" }),
  sequence_is_contiguous: (world) =>
    withHistory(
      world,
      HISTORY.filter(({ sequence }) => sequence !== 2),
    ),
  row_has_actor_and_reason: (world) =>
    withHistory(
      world,
      HISTORY.map((it) => (it.sequence === 3 ? { ...it, actorId: null } : it)),
    ),
  epoch_rises_with_each_claim: (world) =>
    withHistory(
      world,
      HISTORY.map((it) => (it.sequence === 3 ? { ...it, epoch: 2 } : it)),
    ),
  retry_budget_holds: (world) => {
    const retry = row(3, 3000, { name: "AwaitingRetry", reason: "retry_scheduled" });
    const again = HISTORY.slice(1).map((it) => ({
      ...it,
      sequence: it.sequence + 3,
      epoch: 2,
      atMs: it.atMs + 3000,
    }));
    const history = [...HISTORY.slice(0, 3), { ...retry, transitionId: "t2" }, ...again];
    world.state.grants = [GRANT, { ...GRANT, epoch: 2, claimRequestId: "c2", atMs: 4000 }];
    world.state.runs = [
      { runId: "run-1", poolId: "p", sessionId: null, history, retriesAllowed: 0 },
    ];
  },
  resumed_once_per_input: (world) => {
    const resume = { actorKind: "api-key", actorId: "c", reason: "resumed" };
    const paused = row(3, 3000, { type: "PAUSED", name: "Paused", transitionId: "p", point: "go" });
    const resumed = row(4, 3500, {
      type: "RUNNING",
      name: "Running",
      transitionId: "r",
      ...resume,
    });
    const ended = HISTORY.slice(3).map((it) => ({ ...it, sequence: 5, atMs: 4000 }));
    withHistory(world, [...HISTORY.slice(0, 3), paused, resumed, ...ended]);
  },
  accepted_input_is_kept: ({ log }) =>
    log.invoke("client-1", "resume", { runId: "run-1", point: "go" }).ok({ accepted: true }),
  suspended_run_holds_nothing: (world) => {
    const suspended = row(3, 3000, { type: "PAUSED", name: "Suspended", transitionId: "p" });
    const crash = { type: "CRASHED", name: "Crashed", reason: "agent_restarted" } as const;
    withHistory(world, [...HISTORY.slice(0, 3), suspended, row(4, 3500, crash)]);
    world.state.grants = [GRANT];
  },
  no_stale_write: (world) => report(world, { transitionId: "t2", epoch: 0 }),
  pool_limit_holds: (world) => {
    withTwin(world, { sessionId: "s2" });
  },
  queue_limit_holds: (world) => {
    withTwin(world);
    world.state.runs = world.state.runs.map((run) => ({ ...run, queueName: "q" }));
    world.state.queueLimits = new Map([["q", 1]]);
  },
  paused_queue_gives_nothing: (world) => {
    world.state.closedTimes = [{ name: null, fromMs: 500, untilMs: 1500 }];
  },
  ended_session_holds_nothing: (world) => {
    withHistory(world, HISTORY.slice(0, 3), "s1");
    world.state.sessions = world.state.sessions.map((it) => ({ ...it, endedAtMs: 10_000 }));
  },
  lapsed_session_holds_nothing: (world) => {
    withHistory(world, HISTORY.slice(0, 3), "s1");
    world.state.sessions = world.state.sessions.map((it) => ({ ...it, leaseExpiresAtMs: 10_000 }));
  },
  session_capacity_holds: (world) => {
    withTwin(world);
    world.state.poolLimits = new Map();
  },
  claim_is_granted_once: (world) => {
    const later = HISTORY.map((it) => ({ ...it, atMs: it.atMs + 500 }));
    world.state.runs = [
      ...world.state.runs,
      { runId: "run-2", poolId: "p", sessionId: null, history: later },
    ];
    world.state.grants = [GRANT, { ...GRANT, runId: "run-2", atMs: 1500 }];
  },
  no_lease_is_held_by_nobody: (world) => {
    withTwin(world);
    world.state.runs = world.state.runs.map((run) => ({
      ...run,
      history: HISTORY.map((it) => (it.sequence === 3 ? { ...it, atMs: 400_000 } : it)),
    }));
  },
  lapse_has_a_cause: (world) =>
    withHistory(world, [
      ...HISTORY.slice(0, 3),
      unreachable(300_000),
      { ...row(4, 300_001), ...HISTORY[3], sequence: 4 },
    ]),
  amnesty_after_downtime: (world) => {
    world.at(200_000);
    world.log.event("plane", "plane", "down");
    world.at(290_000);
    world.log.event("plane", "plane", "up");
    withHistory(world, [
      ...HISTORY.slice(0, 3),
      unreachable(300_000),
      { ...row(4, 300_001), ...HISTORY[3], sequence: 4 },
    ]);
  },
  restart_is_not_imagined: (world) =>
    withHistory(world, [
      ...HISTORY.slice(0, 3),
      row(3, 3000, {
        type: "CRASHED",
        name: "Crashed",
        reason: "agent_restarted",
        transitionId: "t2",
      }),
    ]),
};

const offencesOf = ({ log, state }: World) =>
  checkHistory(log.entries, state, { leaseMs: LEASE_MS }).map(({ invariant }) => invariant);

describe("checkHistory", () => {
  it("finds nothing in a history without offence", () => {
    expect(offencesOf(aGoodWorld())).toEqual([]);
  });

  it.each(Object.keys(INVARIANTS) as InvariantName[])(
    "finds an offence against %s",
    (invariant) => {
      const world = aGoodWorld();
      OFFENCES[invariant](world);
      expect(offencesOf(world)).toContain(invariant);
    },
  );

  it("finds a token that was never issued", () => {
    const world = aGoodWorld();
    report(world, { transitionId: "t2", leaseToken: "b".repeat(32) });
    expect(offencesOf(world)).toEqual(["no_stale_write"]);
  });

  it("finds an acknowledged run that is not there", () => {
    const world = aGoodWorld();
    world.log.invoke("client-1", "trigger", { key: "other" }).ok({ runId: "run-9" });
    expect(offencesOf(world)).toEqual(["accepted_trigger_ends_once"]);
  });

  it("takes a repeated report for one, and a trigger without an answer for none", () => {
    const world = aGoodWorld();
    report(world, { transitionId: "t2" });
    world.log.invoke("client-1", "trigger", { key: "other" }).unknown();
    expect(offencesOf(world)).toEqual([]);
  });

  it("lets a person set a run that has ended going again", () => {
    const world = aGoodWorld();
    const retry = row(4, 5000, {
      actorKind: "api-key",
      actorId: "client-1",
      reason: "created",
      transitionId: "r",
    });
    const again = HISTORY.slice(1).map((it) => ({
      ...it,
      sequence: it.sequence + 4,
      atMs: it.atMs + 10_000,
      epoch: 2,
      transitionId: it.transitionId && `${it.transitionId}-again`,
    }));
    withHistory(world, [...HISTORY, retry, ...again]);
    world.log
      .invoke("agent-1", "report", {
        items: [
          {
            runId: "run-1",
            epoch: 2,
            leaseToken: "b".repeat(32),
            transitionId: "t2-again",
            type: "COMPLETED",
          },
        ],
      })
      .ok({ statuses: ["accepted"] });
    expect(offencesOf(world)).toEqual([]);
  });

  it.each([
    [
      "a heartbeat without an answer",
      (world: World) =>
        world.log.invoke("agent-1", "heartbeat", { sessionId: "s1", runIds: [] }).unknown(),
    ],
    ["a stopped process", (world: World) => world.log.event("agent-1", "process", "paused")],
  ])("accepts %s as the cause of a lapse", (_, cause) => {
    const world = aGoodWorld();
    world.at(280_000);
    cause(world);
    OFFENCES.lapse_has_a_cause(world);
    expect(offencesOf(world)).toEqual([]);
  });
});
