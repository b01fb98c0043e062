import {
  createApiKey,
  createEnrolmentToken,
  consumeEnrolmentToken,
  createWorkspace,
  type Database,
  enrolAgent,
  findAgent,
  findApiKey,
  listApiKeys,
  listDeployments,
  listPools,
  listRuns,
  lockRuns,
  readRun,
  readWorkspace,
  revokeApiKey,
  setWorkspaceKey,
  type Tx,
} from "@downbeat/db";
import { createHash, randomUUID } from "node:crypto";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { anAgent, aSession, aWorkspace, claim, type Fixture, someRuns } from "./db-fixture.ts";
import { aLimit, deployLimited } from "./limits-fixture.ts";

const TENANT_TABLES = [
  "run_input",
  "agent",
  "agent_session",
  "api_key",
  "artifact",
  "concurrency_limit",
  "data_key",
  "deployment",
  "ended_run",
  "enrolment_token",
  "flow",
  "flow_run",
  "flow_version",
  "idempotency",
  "limit_slot",
  "live_run",
  "log_chunk",
  "log_manifest",
  "metric",
  "pool_deployment",
  "run_day",
  "run_state",
  "task_run",
  "task_run_count",
  "work_pool",
  "work_queue",
];

describeEachDatabase("workspaces", ({ database }) => {
  it("see nothing of each other", async () => {
    const mine = await filled(database());
    const other = await aWorkspace(database());
    const [runId = ""] = mine.runIds;
    expect((await other.inside((tx) => listRuns(tx, { limit: 10 }))).items).toEqual([]);
    expect(await other.inside((tx) => readRun(tx, runId))).toBeUndefined();
    expect((await other.inside((tx) => lockRuns(tx, [runId]))).size).toBe(0);
    expect((await other.inside((tx) => listPools(tx, { limit: 10 }))).items).toHaveLength(1);
    expect((await other.inside((tx) => listDeployments(tx, { limit: 10 }))).items).toHaveLength(1);
  });

  // Statements name their workspace; this is the wall behind them, so it is tested with statements that do not.
  it("are held apart by the database when a statement forgets to name one", async () => {
    const mine = await filled(database());
    const other = await aWorkspace(database());
    expect(await mine.inside((tx) => countAll(tx, "flow_run"))).toBe(3);
    for (const table of TENANT_TABLES) {
      const foreign = await other.inside((tx) =>
        tx.prisma.$queryRawUnsafe<{ n: number }[]>(
          `select count(*)::int as n from ${table} where workspace_id = '${mine.workspaceId}'`,
        ),
      );
      expect({ [table]: foreign }).toEqual({ [table]: [{ n: 0 }] });
    }
    const stolen = other.inside((tx) =>
      tx.prisma.$executeRawUnsafe(
        `insert into flow (id, workspace_id, name) values ('${randomUUID()}', '${mine.workspaceId}', 'planted')`,
      ),
    );
    await expect(stolen).rejects.toThrow("row-level security");
    expect(
      await other.inside((tx) =>
        tx.prisma.$executeRawUnsafe("update live_run set state_name = 'Late'"),
      ),
    ).toBe(0);
  });

  it("are invisible to a transaction that names none", async () => {
    const mine = await filled(database());
    await expect(
      database().inWorkspace({ workspaceId: "" }, (tx) => countAll(tx, "flow_run")),
    ).resolves.toBe(0);
    // The setting ends with its transaction: it must not leak into the next one on that connection.
    await mine.inside((tx) => countAll(tx, "flow_run"));
    await expect(
      database().asOperator(
        (tx) => tx.prisma.$queryRaw`select current_setting('app.workspace', true) as ws`,
      ),
    ).resolves.not.toEqual([{ ws: mine.workspaceId }]);
  });

  it("are served by roles that own nothing and cannot bypass", async () => {
    const { inside } = await aWorkspace(database());
    const roles = await inside(
      (tx) => tx.prisma.$queryRaw<{ rolname: string; strong: boolean }[]>`
        select rolname, rolsuper or rolbypassrls or rolcanlogin or rolcreaterole as strong
        from pg_roles where rolname like 'downbeat%' order by rolname`,
    );
    expect(roles).toEqual([
      { rolname: "downbeat_app", strong: false },
      { rolname: "downbeat_engine", strong: false },
      { rolname: "downbeat_operator", strong: false },
    ]);
    const owned = await inside(
      (tx) =>
        tx.prisma
          .$queryRaw`select relname from pg_class where pg_get_userbyid(relowner) like 'downbeat%'`,
    );
    expect(owned).toEqual([]);
    const whoAmI = await inside((tx) => tx.prisma.$queryRaw`select current_user::text as role`);
    expect(whoAmI).toEqual([{ role: "downbeat_app" }]);
  });

  it("have row-level security forced on every table that names a workspace", async () => {
    const { inside } = await aWorkspace(database());
    const rows = await inside(
      (tx) => tx.prisma.$queryRaw<{ relname: string; held: boolean }[]>`
        select c.relname, c.relrowsecurity and c.relforcerowsecurity as held
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
        where c.relkind in ('r', 'p') order by c.relname`,
    );
    expect(rows.filter(({ held }) => !held)).toEqual([]);
    expect(rows.map(({ relname }) => relname)).toEqual(expect.arrayContaining(TENANT_TABLES));
  });

  it("are crossed by the engine without reading what is sealed", async () => {
    await filled(database());
    const engine = (text: string) => database().asEngine((tx) => tx.prisma.$queryRawUnsafe(text));
    await expect(engine("select id from flow_run limit 1")).resolves.toHaveLength(1);
    for (const text of [
      "select parameters from flow_run",
      "select entrypoint from deployment",
      "select chunk from log_chunk",
      "select manifest from log_manifest",
      "select detail from artifact",
      "select secret_hash from api_key",
      "delete from flow_run",
    ]) {
      await expect(engine(text)).rejects.toThrow("permission denied");
    }
  });

  it("are closed to the operator but for who is asking", async () => {
    await filled(database());
    for (const table of ["flow_run", "live_run", "log_chunk", "deployment", "data_key"]) {
      const read = database().asOperator((tx) =>
        tx.prisma.$queryRawUnsafe(`select 1 from ${table}`),
      );
      await expect(read).rejects.toThrow("permission denied");
    }
  });
});

describeEachDatabase("credentials", ({ database }) => {
  it("find an API key with its workspace before anyone is known, and show its revocation", async () => {
    const { inside, workspaceId } = await aWorkspace(database());
    const secretHash = sha256("secret");
    const made = await inside((tx) => createApiKey(tx, { name: "ci", role: "runner", secretHash }));
    const found = await database().asOperator((tx) => findApiKey(tx, made.id));
    expect(found).toMatchObject({ apiKey: made, workspace: { id: workspaceId } });
    expect(Buffer.from(found?.secretHash ?? []).equals(secretHash)).toBe(true);
    expect(await inside((tx) => revokeApiKey(tx, made.id))).toMatchObject({ revoked: true });
    expect((await inside((tx) => listApiKeys(tx, { limit: 5 }))).items).toEqual([
      { ...made, revoked: true },
    ]);
    expect(await inside((tx) => revokeApiKey(tx, randomUUID()))).toBeUndefined();
    expect(await database().asOperator((tx) => findApiKey(tx, randomUUID()))).toBeUndefined();
  });

  it("use an enrolment token up once, however many try together", async () => {
    const { inside, workspaceId, poolId } = await aWorkspace(database());
    const token = { id: randomUUID(), secretHash: sha256("token") };
    const expiresAt = new Date(Date.now() + 600_000);
    await inside((tx) => createEnrolmentToken(tx, { ...token, poolId, expiresAt }));
    const use = (given: object) =>
      database().asOperator((tx) => consumeEnrolmentToken(tx, { ...token, ...given }));
    expect(await use({ secretHash: sha256("guess") })).toBeUndefined();
    expect(await use({ now: new Date(Date.now() + 601_000) })).toBeUndefined();
    const answers = await Promise.all([use({}), use({}), use({}), use({})]);
    expect(answers.filter((answer) => answer !== undefined)).toEqual([
      { workspaceId, poolId, poolName: "default" },
    ]);
  });

  it("replace the key of an agent that enrols again under its name", async () => {
    const { agentId, workspaceId, poolId } = await aWorkspace(database());
    const publicJwk = { ...anAgent(workspaceId, poolId).publicJwk, x: "B".repeat(43) };
    const again = await database().asOperator((tx) =>
      enrolAgent(tx, { ...anAgent(workspaceId, poolId), publicJwk }),
    );
    expect(again).toEqual({ agentId });
    expect(await database().asOperator((tx) => findAgent(tx, agentId))).toEqual({
      id: agentId,
      name: "agent-1",
      workspaceId,
      poolId,
      poolName: "default",
      publicJwk,
      revoked: false,
    });
  });

  it("register a workspace's public key once", async () => {
    const { inside } = await aWorkspace(database());
    const key = { keyId: "k".repeat(43), publicJwk: anAgent("", "").publicJwk };
    expect(await inside((tx) => setWorkspaceKey(tx, key))).toMatchObject({ key });
    expect(await inside((tx) => setWorkspaceKey(tx, key))).toEqual(await inside(readWorkspace));
    await expect(
      inside((tx) => setWorkspaceKey(tx, { ...key, keyId: "l".repeat(43) })),
    ).rejects.toMatchObject({
      code: "workspace_key_mismatch",
    });
  });

  it("refuse a second workspace of one name", async () => {
    const make = () => database().asOperator((tx) => createWorkspace(tx, { name: "twice" }));
    await make();
    await expect(make()).rejects.toMatchObject({ code: "conflict" });
  });
});

async function filled(database: Database): Promise<Fixture & { runIds: string[] }> {
  const fixture = await aWorkspace(database);
  await aLimit(fixture, "db", { slots: 3 });
  await deployLimited(fixture, "etl", { limitNames: ["db"] });
  const runIds = await someRuns(fixture, 3);
  await claim(fixture, { sessionId: await aSession(fixture), max: 1 });
  return { ...fixture, runIds };
}

async function countAll(tx: Tx, table: string): Promise<number> {
  const rows = await tx.prisma.$queryRawUnsafe<{ n: number }[]>(
    `select count(*)::int as n from ${table}`,
  );
  return rows[0]?.n ?? -1;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
