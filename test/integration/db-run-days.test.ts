import { randomUUID } from "node:crypto";
import type { RunDay } from "@downbeat/contract";
import {
  addUpRunTallies,
  deleteRuns,
  readRunDays,
  retryRuns,
  upsertDeployments,
  createRuns,
  type Database,
} from "@downbeat/db";
import { createDatabase, describeEachDatabase } from "@downbeat/testkit";
import { describe, expect, it } from "vitest";
import {
  aDeployment,
  aNewRun,
  aScriptRun,
  aSession,
  aWorkspace,
  claim,
  moveRuns,
  someRuns,
  type Fixture,
  type Step,
} from "./db-fixture.ts";
import { migrateAgain } from "./migrate-again.ts";

const COMPLETED: Step = ["COMPLETED", "Completed", "completed"];
const FAILED: Step = ["FAILED", "Failed", "failed"];
const NONE = { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 0 };

describe("runs that ended before they were counted", () => {
  it("are counted by the upgrade", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    await ended(fixture, await someRuns(fixture, 3), COMPLETED);
    await migrateAgain(made.place.options.url ?? "", {
      migration: "0036",
      undo: `drop table run_tally; delete from run_day;
        drop trigger ended_run_tally_in on ended_run; drop trigger ended_run_tally_out on ended_run;
        drop function tally_ended_runs; drop function run_id_day`,
    });
    expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 3 });
    await ended(fixture, await someRuns(fixture, 2), FAILED);
    expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 3, FAILED: 2 });
    await made.drop();
  });
});

describeEachDatabase("runs by day", ({ database, kind }) => {
  it("are counted as they end, and the same once they are added up", async () => {
    const fixture = await aWorkspace(database());
    const stranger = await aWorkspace(database());
    const runIds = await someRuns(fixture, 5);
    await ended(fixture, runIds.slice(0, 3), COMPLETED);
    await ended(fixture, runIds.slice(3, 4), FAILED);
    await moveRuns(fixture, runIds.slice(4), [["CANCELLED", "Cancelled", "cancel_requested"]]);
    const days = await daysOf(fixture);
    expect(days.at(-1)?.runs).toEqual({ COMPLETED: 3, FAILED: 1, CRASHED: 0, CANCELLED: 1 });
    expect(days.slice(0, -1).map(({ runs }) => runs)).toEqual(
      Array.from({ length: 6 }, () => NONE),
    );
    await addUp(database());
    expect(await daysOf(fixture)).toEqual(days);
    expect(await waitingTallies(fixture)).toBe(0);
    expect(await runsOf(stranger)).toEqual(NONE);
  });

  it("say for how long they ran", async () => {
    const fixture = await aWorkspace(database());
    const runIds = await someRuns(fixture, 2);
    await ended(fixture, runIds, COMPLETED);
    const [expected] = await fixture.inside(
      (tx) => tx.prisma.$queryRaw<{ ms: number }[]>`
        select (sum(extract(epoch from state_at - started_at)) * 1000)::float8 as ms from ended_run
        where workspace_id = ${fixture.workspaceId}::uuid`,
    );
    expect((await daysOf(fixture)).at(-1)?.runningMs).toBe(expected?.ms);
  });

  it("take back what is retried or deleted", async () => {
    const fixture = await aWorkspace(database());
    const [again = "", gone = "", stays = ""] = await someRuns(fixture, 3);
    await ended(fixture, [again, gone, stays], FAILED);
    await addUp(database());
    await retried(fixture, again);
    await fixture.inside((tx) => deleteRuns(tx, [gone]));
    expect(await runsOf(fixture)).toEqual({ ...NONE, FAILED: 1 });
    await addUp(database());
    await ended(fixture, [again], COMPLETED);
    await addUp(database());
    expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 1, FAILED: 1 });
  });

  it("are told apart by flow and deployment", async () => {
    const fixture = await aWorkspace(database());
    await fixture.inside((tx) =>
      upsertDeployments(tx, [aDeployment("load"), { ...aDeployment("load"), name: "nightly" }]),
    );
    const rows = ["default", "nightly", "nightly"].map((deploymentName) =>
      aNewRun({ flowName: "load", deploymentName }),
    );
    const made = await fixture.inside((tx) => createRuns(tx, rows));
    const loads = made.flatMap((one) => (one.status === "created" ? one.runId : []));
    await ended(fixture, [...loads, ...(await someRuns(fixture, 1))], COMPLETED);
    await moveRuns(fixture, [await aScriptRun(fixture, "load")], [COMPLETED]);
    for (const _ of ["as they ended", "added up"]) {
      const counts = await Promise.all([
        runsOf(fixture, {}),
        runsOf(fixture, { flowName: "load" }),
        runsOf(fixture, { flowName: "load", deploymentName: "nightly" }),
        runsOf(fixture, { deploymentName: "default" }),
        runsOf(fixture, { flowName: "nobody" }),
      ]);
      expect(counts.map((runs) => runs.COMPLETED)).toEqual([5, 4, 2, 2, 0]);
      await addUp(database());
    }
  });

  it("are added up in batches, whoever else does", async () => {
    const fixture = await aWorkspace(database());
    const runIds = await someRuns(fixture, 12);
    await claim(fixture, { sessionId: await aSession(fixture) });
    for (const runId of runIds) await moveRuns(fixture, [runId], [COMPLETED]);
    expect(await waitingTallies(fixture)).toBe(12);
    const taken = await Promise.all(
      [1, 2, 3].map(() => database().asEngine((tx) => addUpRunTallies(tx, 4))),
    );
    expect(taken).toEqual([4, 4, 4]);
    expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 12 });
  });

  it.each(["1970-01-01", "2024-02-29", "2026-11-23", "9999-12-31"])(
    "know the day of an id: %s",
    async (day) => {
      const { inside } = await aWorkspace(database());
      const idAt = (at: string): string =>
        Date.parse(at)
          .toString(16)
          .padStart(12, "0")
          .replace(/^(.{8})(.{4})$/, "$1-$2-7abc-8abc-ffffffffffff");
      const [row] = await inside(
        (tx) => tx.prisma.$queryRaw<{ first: string; last: string; time: string }[]>`
        select run_id_day(${idAt(`${day}T00:00:00.000Z`)}::uuid)::text as first,
          run_id_day(${idAt(`${day}T23:59:59.999Z`)}::uuid)::text as last,
          (run_id_time(${idAt(`${day}T23:59:59.999Z`)}::uuid) at time zone 'UTC')::date::text as time`,
      );
      expect(row).toEqual({ first: day, last: day, time: day });
    },
  );

  // The embedded database has one connection: nobody else is under way.
  it.runIf(kind === "postgres")("wait for nobody who ends others", async () => {
    const fixture = await aWorkspace(database());
    const [first = "", second = ""] = await someRuns(fixture, 2);
    await claim(fixture, { sessionId: await aSession(fixture) });
    await fixture.inside(async (tx) => {
      await tx.prisma.$executeRaw`
        delete from live_run where run_id = ${first}::uuid and workspace_id = ${fixture.workspaceId}::uuid`;
      await tx.prisma.$executeRaw`
        insert into ended_run (run_id, workspace_id, state_type, state_name, state_at, state_sequence, reason, epoch, listed_under)
        select id, workspace_id, 'FAILED', 'Failed', now(), 2, 'failed', 1, flow_id from flow_run
        where id = ${first}::uuid and workspace_id = ${fixture.workspaceId}::uuid`;
      await moveRuns(fixture, [second], [COMPLETED]);
      await addUp(database());
      expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 1 });
    });
    expect(await runsOf(fixture)).toEqual({ ...NONE, COMPLETED: 1, FAILED: 1 });
  });
});

async function ended(fixture: Fixture, runIds: readonly string[], how: Step): Promise<void> {
  await claim(fixture, { sessionId: await aSession(fixture) });
  await moveRuns(fixture, runIds, [["RUNNING", "Running", "started"], how]);
}

async function retried({ inside }: Fixture, runId: string): Promise<void> {
  const standing = await inside((tx) => tx.prisma.endedRun.findUniqueOrThrow({ where: { runId } }));
  await inside((tx) =>
    retryRuns(tx, [
      {
        runId,
        standingSequence: standing.stateSequence,
        transitionId: randomUUID(),
        name: "AwaitingRetry",
        reason: "retry_requested",
        actor: { kind: "api-key", id: null },
        mode: "from_start",
      },
    ]),
  );
}

async function addUp(database: Database): Promise<void> {
  while ((await database.asEngine((tx) => addUpRunTallies(tx, 100))) > 0);
}

type Filter = { readonly flowName?: string; readonly deploymentName?: string };

/** The last seven days. */
function daysOf({ inside }: Fixture, filter: Filter = {}): Promise<RunDay[]> {
  const dayBefore = (days: number): string =>
    new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  return inside((tx) => readRunDays(tx, { from: dayBefore(6), to: dayBefore(0), ...filter }));
}

/** Of the last two days, since midnight may pass. */
async function runsOf(fixture: Fixture, filter: Filter = {}): Promise<RunDay["runs"]> {
  const days = (await daysOf(fixture, filter)).slice(-2);
  const sum = (type: keyof RunDay["runs"]): number =>
    days.reduce((total, { runs }) => total + runs[type], 0);
  return {
    COMPLETED: sum("COMPLETED"),
    FAILED: sum("FAILED"),
    CRASHED: sum("CRASHED"),
    CANCELLED: sum("CANCELLED"),
  };
}

async function waitingTallies({ inside, workspaceId }: Fixture): Promise<number> {
  return inside((tx) => tx.prisma.runTally.count({ where: { workspaceId } }));
}
