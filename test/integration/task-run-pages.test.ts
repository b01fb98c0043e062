import { randomUUID } from "node:crypto";
import { listTaskRuns, upsertTaskRuns, type TaskRunRow } from "@downbeat/db";
import {
  createDatabase,
  describeEachDatabase,
  withClient,
  type TestDatabase,
} from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../simulation/random.ts";
import { aTaskRun, aWorkspace, someRuns, workInstant, type Fixture } from "./db-fixture.ts";
import { rowsLookedAt } from "./rows-looked-at.ts";

const TASK_RUNS = 10_000;
/** One of so many has not started. */
const WAITING_EVERY = 10;
const BATCH = 500;
const LIMIT = 50;
/** Rows that a page may look at: one more than it shows of those that have started, and of those that have not. */
const MOST_ROWS = 2 * (LIMIT + 1);

/** Runs with one task run each. */
const OTHERS = `
  insert into task_run (run_id, id, workspace_id, task_name, index, epoch, sequence, state_type, state_name, state_at, attempt, started_at)
  select run_id_at(now() - n * interval '1 second'), gen_random_uuid(), workspace.id, 'extract', 0, 1, 0, 'COMPLETED', 'Completed',
    now(), 1, now()
  from workspace, generate_series(1, 50000) as n`;

// Embedded, the plans are the same.
describe.each([
  ["has counted", "select", "analyze"],
  ["has not counted yet", "select", "select"],
  ["takes for one", `${OTHERS}; analyze`, "select"],
])("pages of a run's many task runs, which the planner %s,", (_, before, after) => {
  let made: TestDatabase;
  let fixture: Fixture;
  let runId: string;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    fixture = await aWorkspace(made.database);
    [runId = ""] = await someRuns(fixture, 1);
    const sql = (text: string) =>
      withClient(made.place.options.url ?? "", (client) => client.query(text));
    await sql(before);
    const rows = Array.from({ length: TASK_RUNS }, (_none, index) =>
      aTaskRun({ runId, index }, index % WAITING_EVERY === 0 ? null : index),
    );
    for (let at = 0; at < rows.length; at += BATCH)
      await fixture.inside((tx) => upsertTaskRuns(tx, rows.slice(at, at + BATCH)));
    await sql(after);
  }, 60_000);
  afterAll(() => made.drop());

  it.each([
    ["first", undefined],
    ["one in the middle", `${workInstant(TASK_RUNS / 2)}_${randomUUID()}`],
    [
      "one where those begin that have not started",
      `${workInstant(TASK_RUNS - 2)}_${randomUUID()}`,
    ],
    ["one of those that have not started", "infinity_80000000-0000-4000-8000-000000000000"],
  ])("look at what they show: %s", async (_name, cursor) => {
    const looked = await fixture.inside((tx) =>
      rowsLookedAt(tx, "^task_run_", async () => {
        const { items } = await listTaskRuns(tx, { runId, cursor, limit: LIMIT });
        expect(items).toHaveLength(LIMIT);
      }),
    );
    expect(looked).toBeLessThanOrEqual(MOST_ROWS);
  });
});

describeEachDatabase("pages of a run's task runs", ({ database }) => {
  it("hold each once, by start and id, those that have not started last", async () => {
    const fixture = await aWorkspace(database());
    const [runId = "", other = ""] = await someRuns(fixture, 2);
    const random = new Random(33);
    const start = () => random.pick([null, null, 1, 2, 3, 3, 3, 4] as const);
    const rows = Array.from({ length: 80 }, (_, index) => aTaskRun({ runId, index }, start()));
    const others = [
      aTaskRun({ runId: other, index: 0 }, 2),
      aTaskRun({ runId: other, index: 1 }, null),
    ];
    await fixture.inside((tx) => upsertTaskRuns(tx, [...rows, ...others]));
    const expected = rows.toSorted(byStartAndId).map(({ taskRunId }) => taskRunId);
    for (const limit of [1, 7, 79, 80, 100])
      expect(await everyId(fixture, { runId, limit })).toEqual(expected);
  });
});

async function everyId(
  { inside }: Fixture,
  { runId, limit }: { runId: string; limit: number },
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await inside((tx) => listTaskRuns(tx, { runId, limit, cursor }));
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

function byStartAndId(a: TaskRunRow, b: TaskRunRow): number {
  const key = (row: TaskRunRow): string => `${row.startedAt ?? "~"} ${row.taskRunId}`;
  return key(a) < key(b) ? -1 : 1;
}
