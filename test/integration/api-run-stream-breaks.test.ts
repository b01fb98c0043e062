import { createClient } from "@downbeat/client";
import { LastLine, LINES_MEDIA_TYPE, Problem, ROUTES, type RunSpec } from "@downbeat/contract";
import { openDatabase, readRuns, type Database } from "@downbeat/db";
import {
  freePort,
  startPostgres,
  waitFor,
  withClient,
  type PostgresServer,
} from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { openStream } from "./open-stream.ts";

let server: PostgresServer;
let database: Database;
let api: TestApi;
let here: TestWorkspace;
let port: number;
let workspaces = 0;

// One database of its own: these stop it, and lock its tables.
beforeAll(async () => {
  server = await startPostgres({ own: true });
  database = await openDatabase(server);
  await database.migrate();
});
afterAll(async () => {
  await database?.close();
  await server?.stop();
});
beforeEach(async () => {
  port = await freePort();
  api = await startOn(port);
  here = await api.workspace(`here-${(workspaces += 1)}`);
  await here.deploy("weather");
});
afterEach(() => api.app.close());

async function startOn(at: number): Promise<TestApi> {
  const started = await startTestApi(database, { runEngine: false });
  await started.app.listen({ port: at, host: "127.0.0.1" });
  return started;
}

const url = (): string => `http://127.0.0.1:${port}`;
const open = () => openStream(url(), here.token);
const aSpec = (): RunSpec & { runId: string } => ({
  flowName: "weather",
  deploymentName: "default",
  parameters: null,
  tags: [],
  runId: uuidv7(),
});
const lineOf = (spec: object): string => `${JSON.stringify(spec)}\n`;
const made = async (): Promise<number> => {
  const body = { action: "cancel", filter: {}, dryRun: true } as const;
  // Each API has signing keys of its own: a token of the one before is none of this one's.
  const caller = api.withToken(await api.tokenOf(here.apiKey));
  return (await caller.call("bulkRuns", { body })).matched;
};

/** Keeps every run from being made until it is let go. */
async function holdWrites(): Promise<() => void> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await new Promise<void>((locked) => {
    void withClient(server.url, async (client) => {
      await client.query("begin; lock table live_run in exclusive mode");
      locked();
      await released;
      await client.query("rollback");
    });
  });
  return release;
}

const waitUntilHeld = () =>
  waitFor(
    async () => {
      const waiting = "select 1 from pg_locks where not granted";
      const { rows } = await withClient(server.url, (client) => client.query(waiting));
      return rows.length > 0;
    },
    { describe: "a run to be held" },
  );

it("ends with a last line when the API is stopped, after the answers to what was being written", async () => {
  const idle = await open();
  const busy = await open();
  const release = await holdWrites();
  const [first, second] = [aSpec(), aSpec()];
  busy.write(lineOf(first));
  await waitUntilHeld();
  busy.write(lineOf(second));
  const closed = api.app.close();
  const end = { problem: { code: "unavailable", retryAfterSeconds: 1 } };
  expect(await idle.rest()).toMatchObject([end]);
  release();
  const answers = await busy.rest();
  expect(answers).toMatchObject([{ runId: first.runId, error: null }, end]);
  expect(LastLine.parse(answers[1]).problem.requestId).not.toBe("");
  await closed;
  api = await startOn(port);
  expect(await made()).toBe(1);
});

it("is resumed by the client over a restart of the API, without a run too few or too many", async () => {
  const client = createClient({ apiUrl: url(), apiKey: here.apiKey });
  const specs = Array.from({ length: 4_000 }, aSpec);
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => {
    pauses.push(ms);
    if (pauses.length === 1) api = await startOn(port);
  };
  const runIds: (string | null)[] = [];
  let closed: Promise<unknown> | undefined;
  for await (const { runId } of client.stream("createRunStream", specs, { pause })) {
    runIds.push(runId);
    if (runIds.length === 1_000) closed = api.app.close();
  }
  await closed;
  await client.close();
  expect(runIds).toEqual(specs.map(({ runId }) => runId));
  expect(pauses.length).toBeGreaterThan(0);
  expect(await made()).toBe(specs.length);
});

it("waits while the database is away for runs that name themselves, and ends for others", async () => {
  const keyed = await open();
  const unkeyed = await open();
  await server.kill("SIGINT");
  const spec = aSpec();
  keyed.write(lineOf(spec));
  unkeyed.request.end(lineOf({ flowName: "weather" }));
  const answers = unkeyed.rest();
  await server.restart();
  expect(await answers).toMatchObject([{ problem: { code: "unavailable" } }]);
  expect(await keyed.next()).toEqual({ runId: spec.runId, error: null });
  keyed.request.end();
  expect(await keyed.next()).toBeUndefined();
});

it("refuses a stream before its body when there is no room, and forgets one whose caller hung up", async () => {
  const tight = await startTestApi(database, {
    runEngine: false,
    environment: { DOWNBEAT_REQUEST_MEGABYTES: "3" },
  });
  const apiUrl = await tight.app.listen({ port: 0, host: "127.0.0.1" });
  const token = await tight.tokenOf(here.apiKey);
  const [first, second] = [await openStream(apiUrl, token), await openStream(apiUrl, token)];
  const ask = () =>
    fetch(apiUrl + ROUTES.createRunStream.path, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": LINES_MEDIA_TYPE },
      body: lineOf(aSpec()),
    });
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(Problem.parse(await refused.json()).code).toBe("unavailable");
  first.request.destroy();
  await waitFor(async () => (await ask()).status === 200, { describe: "room for a stream" });
  second.request.destroy();
  await tight.app.close();
});

it("goes on after its access token has expired, until its key is revoked", async () => {
  let offsetMs = 0;
  const now = () => new Date(Date.now() + offsetMs);
  const other = await startTestApi(database, { runEngine: false, now });
  const apiUrl = await other.app.listen({ port: 0, host: "127.0.0.1" });
  const token = await other.tokenOf(here.apiKey);
  const stream = await openStream(apiUrl, token);
  offsetMs = 3_600_000;
  stream.write(lineOf(aSpec()));
  expect(await stream.next()).toMatchObject({ error: null });
  await expect(other.withToken(token).call("whoAmI", {})).rejects.toMatchObject({
    code: "credentials_expired",
  });
  const { items } = await here.admin.call("listApiKeys", { query: {} });
  for (const { id: apiKeyId } of items)
    await here.admin.call("revokeApiKey", { params: { apiKeyId } });
  offsetMs += 60_000;
  const spec = aSpec();
  stream.write(lineOf(spec));
  expect(await stream.rest()).toMatchObject([{ problem: { code: "credentials_invalid" } }]);
  const stored = await database.inWorkspace(here, (tx) => readRuns(tx, [spec.runId]));
  expect(stored.size).toBe(0);
  await other.app.close();
});
