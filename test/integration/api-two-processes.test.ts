import { openDatabase, type Database } from "@downbeat/db";
import { startPostgres, waitFor, withClient, type PostgresServer } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, transition, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, claim, isHeld, openSession, report, type Stage } from "./api-stage.ts";

let server: PostgresServer;
let databases: Database[];
/** Two APIs on one database, without the engine's loops: nothing looks for work by itself. */
let apis: [TestApi, TestApi];
let workspace: TestWorkspace;
let elsewhere: TestApi["anonymous"];

beforeAll(async () => {
  server = await startPostgres({ own: true });
  const opened = await Promise.all([openDatabase(server), openDatabase(server)]);
  databases = opened;
  await opened[0].migrate();
  apis = [
    await startTestApi(opened[0], { runEngine: false }),
    await startTestApi(opened[1], { runEngine: false }),
  ];
  workspace = await apis[0].workspace("here");
  elsewhere = apis[1].withToken(await apis[1].tokenOf(workspace.apiKey));
  await bothListen();
});
afterAll(async () => {
  await Promise.all(apis?.map(({ app }) => app.close()) ?? []);
  await Promise.all(databases?.map((database) => database.close()) ?? []);
  await server?.stop();
});

async function bothListen(count = 2): Promise<void> {
  const listeners =
    "select pid from pg_stat_activity where application_name = 'downbeat-news' and state = 'idle'";
  await waitFor(async () => (await ask(listeners)).length === count, { describe: "two listeners" });
}

const ask = async (statement: string): Promise<unknown[]> =>
  (await withClient(server.url, (client) => client.query(statement))).rows;

const trigger = async ({ flowName }: Stage): Promise<string> =>
  (await elsewhere.call("createRun", { body: { flowName } })).id;

const longClaim = (stage: Stage, sessionId: string) =>
  claim(stage.agent, sessionId, { waitSeconds: 25 });

/** An agent waits in the first process, and the second one makes a run; returns what the agent is given. */
async function waitAcross() {
  const stage = await aStage(apis[0], workspace);
  const sessionId = await openSession(stage.agent);
  const held = longClaim(stage, sessionId);
  await waitFor(() => isHeld(held), { describe: "the claim to be held" });
  const runId = await trigger(stage);
  return { runId, leases: (await held).leases };
}

it("a run made in one process wakes an agent that waits in another", async () => {
  const { runId, leases } = await waitAcross();
  expect(leases).toMatchObject([{ runId }]);
});

it("so does one whose agents found nothing due a moment ago, also when many are made at once", async () => {
  const stage = await aStage(apis[0], workspace);
  const sessions = await Promise.all([1, 2, 3].map(() => openSession(stage.agent, 1)));
  const held = sessions.map((sessionId) => longClaim(stage, sessionId));
  await Promise.all(held.map((one) => waitFor(() => isHeld(one), { describe: "held claims" })));
  const runIds = await Promise.all([1, 2, 3].map(() => trigger(stage)));
  const leases = (await Promise.all(held)).flatMap((answer) => answer.leases);
  expect(new Set(leases.map(({ runId }) => runId))).toEqual(new Set(runIds));
});

it("a cancellation in one process ends the poll that its agent holds in another", async () => {
  const stage = await aStage(apis[0], workspace);
  const { lease, sessionId } = await aLease(stage);
  expect(await report(stage.agent, transition(lease, "RUNNING"))).toEqual(["accepted"]);
  const held = longClaim(stage, sessionId);
  await waitFor(() => isHeld(held), { describe: "the claim to be held" });
  await elsewhere.call("cancelRun", { params: { runId: lease.runId } });
  expect((await held).leases).toEqual([]);
});

it("a broken connection is made anew", async () => {
  await ask(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'downbeat-news'",
  );
  await bothListen();
  const { runId, leases } = await waitAcross();
  expect(leases).toMatchObject([{ runId }]);
});
