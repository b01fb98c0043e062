import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import { completeExpectedRuns, listRunStates, retryRuns, startExpectedRuns } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aSession,
  aWorkspace,
  claim,
  moveRuns,
  someRuns,
  type Fixture,
  type Step,
} from "./db-fixture.ts";

const AT = "2026-03-01T12:00:00.000Z";

/** What a run does after it was claimed: steps that its own row tells, then others. */
type Life = { readonly told: readonly ("start" | "complete")[]; readonly moves: readonly Step[][] };

const UNREACHABLE: Step = ["RUNNING", "Unreachable", "unreachable"];
const CANCELLING: Step = ["CANCELLING", "Cancelling", "cancel_requested"];
const CANCELLED: Step = ["CANCELLED", "Cancelled", "cancelled"];
const RUNNING: Step = ["RUNNING", "Running", "started"];
const FAILED: Step = ["FAILED", "Failed", "failed"];
const RELEASED: Step = ["SCHEDULED", "Scheduled", "released"];

const LIVES: readonly Life[] = [
  { told: [], moves: [] },
  { told: [], moves: [[RELEASED]] },
  { told: [], moves: [[RUNNING], [FAILED]] },
  { told: [], moves: [[RUNNING, FAILED]] },
  { told: [], moves: [[CANCELLED]] },
  { told: [], moves: [[CANCELLING, CANCELLED]] },
  { told: ["start"], moves: [] },
  { told: ["start"], moves: [[FAILED]] },
  { told: ["start"], moves: [[UNREACHABLE], [RUNNING], [FAILED]] },
  { told: ["start"], moves: [[UNREACHABLE, FAILED]] },
  { told: ["start"], moves: [[CANCELLING], [CANCELLED]] },
  { told: ["start"], moves: [[RELEASED]] },
  { told: ["start", "complete"], moves: [] },
];

/** Lives such a life. Returns the id and the transitions it has made since its claim. */
async function live(
  fixture: Fixture,
  { told, moves }: Life,
): Promise<{ runId: string; transitionIds: string[] }> {
  const [runId] = (await someRuns(fixture, 1)) as [string];
  const leases = await claim(fixture, { sessionId: await aSession(fixture) });
  const { epoch, leaseToken } = leases.find((lease) => lease.runId === runId) as Lease;
  const actor = { kind: "agent", id: fixture.agentId } as const;
  const transitionIds: string[] = [];
  const nextId = (): string => transitionIds[transitionIds.push(randomUUID()) - 1] ?? "";
  for (const [index, kind] of told.entries()) {
    const step = { runId, epoch, leaseToken, actor, transitionId: nextId(), sequence: index + 2 };
    const write = kind === "start" ? startExpectedRuns : completeExpectedRuns;
    expect(await fixture.inside((tx) => write(tx, [{ ...step, result: null }], AT))).toBe(1);
  }
  for (const steps of moves) {
    const named = steps.map(([type, name, reason]): Step => [type, name, reason, nextId()]);
    await moveRuns(fixture, [runId], named);
  }
  return { runId, transitionIds };
}

type Told = { sequence: number; state: string; actor_id: string | null; transition_id: string };

function historyOf({ inside }: Fixture, runId: string): Promise<Told[]> {
  return inside(
    (tx) => tx.prisma.$queryRaw<Told[]>`
      select sequence, type || ' ' || name || ' ' || reason as state, actor_id, transition_id
      from run_history where run_id = ${runId}::uuid order by sequence`,
  );
}

function statesOf({ told, moves }: Life): string[] {
  const plain = { start: RUNNING, complete: ["COMPLETED", "Completed", "completed"] } as const;
  const steps = [...told.map((kind) => plain[kind]), ...moves.flat()];
  return steps.map(([type, name, reason]) => `${type} ${name} ${reason}`);
}

describeEachDatabase("the history of a run", ({ database }) => {
  it("is whole and in order, whether its rows or the run itself tell it", async () => {
    const fixture = await aWorkspace(database());
    for (const life of LIVES) {
      const { runId, transitionIds } = await live(fixture, life);
      const [made, claimed, ...later] = await historyOf(fixture, runId);
      const actor_id = fixture.agentId;
      const asLived = statesOf(life).map((state, index) => ({
        sequence: index + 2,
        state,
        actor_id,
        transition_id: transitionIds[index],
      }));
      expect([made, claimed, later]).toEqual([
        expect.objectContaining({ sequence: 0, state: "SCHEDULED Scheduled created" }),
        { sequence: 1, state: "PENDING Pending claimed", actor_id, transition_id: null },
        asLived,
      ]);
    }
  });

  it("keeps the times of its steps when another row comes to tell them", async () => {
    const fixture = await aWorkspace(database());
    const told: Life["told"] = ["start", "complete"];
    const { runId } = await live(fixture, { told, moves: [] });
    const before = await fixture.inside((tx) => listRunStates(tx, runId));
    const transitionId = randomUUID();
    const retried = await fixture.inside((tx) =>
      retryRuns(tx, [
        {
          runId,
          standingSequence: 3,
          transitionId,
          name: "Scheduled",
          reason: "retry_requested",
          actor: { kind: "api-key", id: null },
          mode: "from_start",
        },
      ]),
    );
    expect(retried).toHaveLength(1);
    const after = await fixture.inside((tx) => listRunStates(tx, runId));
    expect(after.slice(0, 4)).toEqual(before);
    expect(after[4]).toMatchObject({ sequence: 4, type: "SCHEDULED", actor: { kind: "api-key" } });
    expect(after).toHaveLength(5);
    // The next attempt has rows of its own.
    await claim(fixture, { sessionId: await aSession(fixture) });
    const states = await historyOf(fixture, runId);
    expect(states.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("costs a run that goes the ordinary way no row", async () => {
    const fixture = await aWorkspace(database());
    const { runId } = await live(fixture, { told: ["start", "complete"], moves: [] });
    expect(await fixture.inside((tx) => tx.prisma.runState.count({ where: { runId } }))).toBe(0);
    expect(await historyOf(fixture, runId)).toHaveLength(4);
  });
});
