import { randomUUID } from "node:crypto";
import { partitionsRound } from "@downbeat/api";
import {
  appendLogChunks,
  createRuns,
  listRunPartitions,
  listRuns,
  readRun,
  readRunDays,
  type Database,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aBlob,
  aNewRun,
  aSession,
  aWorkspace,
  claim,
  idAt,
  moveRuns,
  type Fixture,
} from "./db-fixture.ts";

const DAY_MS = 86_400_000;
/** Short, as each test makes the partitions of so long a time. */
const RETENTION_DAYS = 1;

describeEachDatabase("partitions of run data", ({ database, kind }) => {
  it("are made ahead, once, whoever asks, and are held to workspaces as their tables are", async () => {
    const before = await newestEnd(database());
    const clock = new Date(before - DAY_MS);
    await Promise.all([keep(database(), clock), keep(database(), clock)]);
    expect(await newestEnd(database())).toBe(before + 2 * DAY_MS);
    const made = await keep(database(), clock);
    expect(made).toEqual([]);
    const { inside } = await aWorkspace(database());
    const open = await inside(
      (tx) => tx.prisma.$queryRaw<{ relname: string }[]>`
        select c.relname from pg_class c
        where c.relispartition and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)`,
    );
    expect(open).toEqual([]);
    const [{ name } = { name: "" }] = await partitionsOf(database(), "log_chunk");
    const reached = inside((tx) => tx.prisma.$queryRawUnsafe(`select 1 from ${name}`));
    await expect(reached).rejects.toThrow("permission denied");
  });

  it("take rows along that came before their partition", async () => {
    const fixture = await aWorkspace(database());
    const end = await newestEnd(database());
    const runId = idAt(end + DAY_MS);
    await made(fixture, runId);
    expect(await partitionOf(database(), runId)).toBe("flow_run_after");
    await keep(database(), new Date(end));
    expect(await partitionOf(database(), runId)).toMatch(/^flow_run_\d{8}$/);
    expect(await isThere(fixture, runId)).toBe(true);
  });

  it("go when their time has passed, but not under a live run, and leave counts behind", async () => {
    const fixture = await aWorkspace(database());
    const [oldest = 0, ...later] = await endsOf(database());
    const [today, next, live] = [oldest - DAY_MS / 2, oldest + 1, oldest + 2].map(idAt) as [
      string,
      string,
      string,
    ];
    for (const runId of [today, next, live]) await made(fixture, runId);
    await end(fixture, [today, next]);
    const clock = new Date((later[0] ?? 0) + RETENTION_DAYS * DAY_MS);

    const first = await keep(database(), clock);
    expect(first).toContainEqual(["emptied a partition", "flow_run_before"]);
    expect(first).toContainEqual(["emptied a partition", "log_chunk_before"]);
    expect(await Promise.all([today, next, live].map((id) => isThere(fixture, id)))).toEqual([
      false,
      true,
      true,
    ]);
    const daysOf = (): Promise<number[]> => completedOn(fixture, [today, next]);
    expect(await daysOf()).toEqual([1, 1]);
    // Its key may be used again, which makes another run.
    expect(await made(fixture, today)).toBe("created");

    await end(fixture, [live, today]);
    await keep(database(), clock);
    const last = await keep(database(), clock);
    expect(last).toContainEqual(["dropped a partition", expect.stringMatching(/^flow_run_\d{8}$/)]);
    expect(await isThere(fixture, next)).toBe(false);
    expect((await endsOf(database()))[0]).toBe(later[0]);
    expect(await daysOf()).toEqual([2, 2]);
    // Nothing is refused for the time its id tells.
    const again = idAt(oldest + 1);
    expect(await made(fixture, again)).toBe("created");
    await end(fixture, [again]);
  });

  it("keep a young run under an id of long ago", async () => {
    const fixture = await aWorkspace(database());
    const runId = idAt(Date.parse("2020-02-02"));
    const [oldest = 0] = await endsOf(database());
    await made(fixture, runId, new Date(oldest + 1));
    await end(fixture, [runId]);
    await keep(database(), new Date(oldest + DAY_MS));
    expect(await isThere(fixture, runId)).toBe(true);
    await keep(database(), new Date(oldest + (RETENTION_DAYS + 1) * DAY_MS));
    expect(await isThere(fixture, runId)).toBe(false);
  });

  // The embedded database has one connection: nothing else is ever under way.
  it.runIf(kind === "postgres")("wait for nobody who reads for long", async () => {
    const fixture = await aWorkspace(database());
    const clock = new Date(await newestEnd(database()));
    await fixture.inside(async (tx) => {
      await listRuns(tx, { limit: 1 });
      const said = await keep(database(), clock);
      expect(said).toContainEqual(["in use; it is tried again later", "flow_run"]);
    });
    expect(await keep(database(), clock)).toContainEqual([
      "made a partition",
      expect.stringMatching(/^flow_run_/),
    ]);
  });
});

type Line = [message: string, partition: string];

/** One round of the engine; returns what it logged, with the partition it is about. */
async function keep(database: Database, clock: Date): Promise<Line[]> {
  const lines: Line[] = [];
  const say = (about: object, message: string): void => {
    lines.push([message, (about as { partition: string }).partition]);
  };
  const config = { retentionDays: RETENTION_DAYS };
  const services = { database, config, log: { info: say, warn: say } };
  await partitionsRound(services, () => clock)(new AbortController().signal);
  return lines;
}

async function partitionsOf(database: Database, table: string) {
  const all = await database.asEngine(listRunPartitions);
  return all.filter((partition) => partition.table === table);
}

/** Where the bounded partitions of flow_run end, oldest first. */
async function endsOf(database: Database): Promise<number[]> {
  const partitions = await partitionsOf(database, "flow_run");
  return partitions.flatMap(({ endsAt }) => endsAt?.getTime() ?? []);
}

async function newestEnd(database: Database): Promise<number> {
  return (await endsOf(database)).at(-1) ?? 0;
}

async function partitionOf(database: Database, runId: string): Promise<string> {
  const [row] = await database.asEngine(
    (tx) => tx.prisma.$queryRaw<{ name: string }[]>`
      select name from run_partition
      where run_table = 'flow_run' and ${runId}::uuid >= coalesce(from_id, ${idAt(0)}::uuid)
        and (to_id is null or ${runId}::uuid < to_id)`,
  );
  return row?.name ?? "";
}

/** Makes a run under this id. */
async function made(
  { inside }: Fixture,
  runId: string,
  now: Date | null = null,
): Promise<string | undefined> {
  const [answer] = await inside((tx) =>
    createRuns(tx, [aNewRun({ runId, idempotencyKey: runId })], now),
  );
  return answer?.status;
}

/** Claims all runs and ends these, each with a line of log. */
async function end(fixture: Fixture, runIds: readonly string[]): Promise<void> {
  await claim(fixture, { sessionId: await aSession(fixture) });
  await moveRuns(fixture, runIds, [["COMPLETED", "Completed", "completed", randomUUID()]]);
  const chunk = aBlob("log");
  await fixture.inside((tx) =>
    appendLogChunks(
      tx,
      runIds.map((runId) => ({ runId, epoch: 1, sequence: 0, lineCount: 1, chunk })),
    ),
  );
}

async function isThere({ inside }: Fixture, runId: string): Promise<boolean> {
  return (await inside((tx) => readRun(tx, runId))) !== undefined;
}

/** How many runs completed of those made on the days of these ids. */
function completedOn({ inside }: Fixture, runIds: readonly string[]): Promise<number[]> {
  const days = runIds.map((id) => dayOf(id));
  return inside(async (tx) => {
    const read = await readRunDays(tx, { from: days[0] ?? "", to: days.at(-1) ?? "" });
    return days.map((day) => read.find((one) => one.day === day)?.runs.COMPLETED ?? 0);
  });
}

function dayOf(runId: string): string {
  const atMs = Number.parseInt(runId.replace("-", "").slice(0, 12), 16);
  return new Date(atMs).toISOString().slice(0, 10);
}
