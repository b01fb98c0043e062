import {
  listAgents,
  listArtifacts,
  listDeployments,
  listLogChunks,
  listLogManifests,
  listMetrics,
  readDeployment,
  readDeploymentByName,
  upsertDeployments,
  type Tx,
} from "@downbeat/db";
import { createDatabase, withClient, type TestDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aBlob, aDeployment, aWorkspace, someRuns, type Fixture } from "./db-fixture.ts";
import { rowsLookedAt } from "./rows-looked-at.ts";

const MANY = 3000;
const LIMIT = 50;
/** Of a page and of what belongs to each thing on it: the flow, version, queue and pool of a deployment. */
const MOST_ROWS = 6 * LIMIT;
/** Of all tables: this is of what every look at a row reads beside it. */
const EVERY_TABLE = "";

// Embedded, the plans are the same.
describe.each([
  ["has counted", "analyze"],
  ["has not counted yet", "select"],
])("pages of many things, which the planner %s, look at what they show:", (_, statement) => {
  let made: TestDatabase;
  let fixture: Fixture;
  let runId: string;
  let middle: string;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    fixture = await aWorkspace(made.database);
    [runId = ""] = await someRuns(fixture, 1);
    await fixture.inside((tx) => upsertDeployments(tx, [aDeployment("rare")]));
    middle = await withClient(made.place.options.url ?? "", async (client) => {
      for (const [text, values] of fillings(runId)) await client.query(text, values);
      await client.query(statement);
      const { rows } = await client.query<{ id: string }>(MIDDLE);
      return rows[0]?.id ?? "";
    });
  }, 60_000);
  afterAll(() => made.drop());

  const pageOf = { limit: LIMIT };
  const pieces = `1.${MANY / 2}`;
  it.each<[string, number, (tx: Tx) => Promise<{ items: readonly unknown[] } | undefined>]>([
    ["log chunks", LIMIT, (tx) => listLogChunks(tx, { ...pageOf, runId, after: pieces })],
    ["the end of a log", 0, (tx) => listLogChunks(tx, { ...pageOf, runId, after: `1.${MANY}` })],
    [
      "parts of a log manifest",
      LIMIT,
      (tx) => listLogManifests(tx, { ...pageOf, runId, after: pieces }),
    ],
    [
      "artifacts",
      LIMIT,
      (tx) => listArtifacts(tx, { ...pageOf, runId, cursor: `${pieces}.${"A".repeat(43)}` }),
    ],
    ["metrics", LIMIT, (tx) => listMetrics(tx, { ...pageOf, runId, cursor: `m${MANY}` })],
    ["deployments", LIMIT, (tx) => listDeployments(tx, { ...pageOf, cursor: middle })],
    ["deployments of a rare flow", 1, (tx) => listDeployments(tx, { ...pageOf, flowName: "rare" })],
    ["agents", LIMIT, (tx) => listAgents(tx, { ...pageOf, cursor: middle })],
    [
      "agents of a pool",
      LIMIT,
      (tx) => listAgents(tx, { ...pageOf, cursor: middle, poolName: "default" }),
    ],
  ])("%s", async (_name, count, list) => {
    const looked = await fixture.inside((tx) =>
      rowsLookedAt(tx, EVERY_TABLE, async () =>
        expect((await list(tx))?.items).toHaveLength(count),
      ),
    );
    expect(looked).toBeLessThan(MOST_ROWS);
  });

  it("one deployment, by its id or its name", async () => {
    const looked = await fixture.inside((tx) =>
      rowsLookedAt(tx, EVERY_TABLE, async () => {
        const names = { flowName: "etl", deploymentName: "d7" };
        const byName = await readDeploymentByName(tx, names);
        expect(await readDeployment(tx, byName?.id ?? "")).toEqual(byName);
      }),
    );
    expect(looked).toBeLessThan(MOST_ROWS);
  });
});

const EACH = `generate_series(1, ${MANY}) as n`;
// One a second, up to now.
const ID = "run_id_at(now() - n * interval '1 second')";
const MIDDLE = `select id from deployment order by id desc offset ${MANY / 2} limit 1`;

function fillings(runId: string): [text: string, values: string[]][] {
  return [
    [
      `insert into log_chunk (run_id, epoch, sequence, workspace_id, line_count, chunk)
        select id, 1, n, workspace_id, 1, $2 from flow_run, ${EACH} where id = $1`,
      [runId, aBlob("log")],
    ],
    [
      `insert into log_manifest (run_id, epoch, part, workspace_id, manifest)
        select id, 1, n, workspace_id, $2 from flow_run, ${EACH} where id = $1`,
      [runId, aBlob("log-manifest")],
    ],
    [
      `insert into artifact (run_id, key_tag, workspace_id, epoch, sequence, first_epoch, first_sequence, detail)
        select id, rpad(n::text, 43, 'A'), workspace_id, 1, n, 1, n, $2 from flow_run, ${EACH} where id = $1`,
      [runId, aBlob("artifact")],
    ],
    [
      `insert into metric (run_id, name, workspace_id, epoch, sequence, value)
        select id, 'm' || ${MANY} + n, workspace_id, 1, n, 1 from flow_run, ${EACH} where id = $1`,
      [runId],
    ],
    [
      `insert into deployment (id, workspace_id, flow_id, flow_version_id, queue_id, name, entrypoint)
        select ${ID}, d.workspace_id, d.flow_id, d.flow_version_id, d.queue_id, 'd' || n, d.entrypoint
        from deployment d join flow f on f.id = d.flow_id and f.name = 'etl', ${EACH}`,
      [],
    ],
    [
      `insert into agent (id, workspace_id, pool_id, name, public_jwk)
        select ${ID}, workspace_id, id, 'a' || n, '{}' from work_pool, ${EACH}`,
      [],
    ],
    [
      `insert into agent_session (id, workspace_id, agent_id, pool_id, epoch, capacity, lease_expires_at)
        select gen_random_uuid(), workspace_id, id, pool_id, 1, 1, now() from agent`,
      [],
    ],
  ];
}
