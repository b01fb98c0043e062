import { DownbeatError } from "@downbeat/contract";
import type { Database } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { openStream } from "./open-stream.ts";

type Line = { readonly flowName: string; readonly runId?: string };

// A creation whose second transaction fails: it looks for the runs that were there before, the first has made the others.
describeEachDatabase("runs that are made while the answer is lost", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let url: string;
  let losing: LosingDatabase;
  let deploymentId: string;
  let standing: Line;

  beforeAll(async () => {
    losing = losingDatabase(database());
    api = await startTestApi(losing.database, { runEngine: false });
    url = await api.app.listen({ port: 0, host: "127.0.0.1" });
  });
  afterAll(() => api.app.close());
  beforeEach(async () => {
    here = await api.workspace(uuidv7());
    deploymentId = await here.deploy("weather");
    standing = aLine();
    // From the second creation on it is known for which pool they are, and they go in two transactions.
    await create([standing]);
  });

  const aLine = (): Line & { readonly runId: string } => ({ flowName: "weather", runId: uuidv7() });
  const create = (runs: Line[]) => here.admin.call("createRuns", { body: { runs } });
  const madeOf = async (): Promise<number> => {
    const body = { action: "cancel", filter: {}, dryRun: true } as const;
    return (await here.admin.call("bulkRuns", { body })).matched;
  };
  const stream = async (lines: readonly Line[]) => {
    const opened = await openStream(url, here.token);
    opened.request.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return opened.rest();
  };
  const away = () => new DownbeatError("database_unreachable");
  const broken = () => new Error("a fault");

  it("answers a batch that it may be asked again, and then with the runs that it made", async () => {
    const lines = [standing, aLine(), aLine()];
    losing.failSecond(away());
    await expect(create(lines)).rejects.toMatchObject({ code: "unavailable", retryable: true });
    expect(losing.hasFailed()).toBe(true);
    expect(await madeOf()).toBe(3);
    const { outcomes } = await create(lines);
    expect(outcomes.map(({ runId }) => runId)).toEqual(lines.map(({ runId }) => runId));
    expect(await madeOf()).toBe(3);
  });

  it("answers a single one so, too", async () => {
    // The API has seen this deployment without: so it looks at the limit only once the run is made.
    await here.admin.call("updateDeployment", {
      params: { deploymentId },
      body: { concurrency: { limit: 1, strategy: "cancel-new" } },
    });
    const body = aLine();
    const ask = () => here.admin.call("createRun", { body });
    losing.failSecond(away());
    await expect(ask()).rejects.toMatchObject({ code: "unavailable", retryable: true });
    expect(losing.hasFailed()).toBe(true);
    expect((await ask()).id).toBe(body.runId);
    expect(await madeOf()).toBe(2);
  });

  it("finds out by itself in a stream whose lines all name their runs", async () => {
    const lines = [standing, aLine(), aLine()];
    losing.failSecond(away());
    const answers = await stream(lines);
    expect(losing.hasFailed()).toBe(true);
    expect(answers).toEqual(lines.map(({ runId }) => ({ runId, error: null })));
    expect(await madeOf()).toBe(3);
  });

  it.each([
    ["a lost database", away, "unavailable"],
    ["a fault", broken, "internal"],
  ])(
    "ends a stream after %s when a line names no run, and makes none twice",
    async (_, error, code) => {
      const unnamed = { flowName: "weather" };
      losing.failSecond(error());
      const answers = await stream([standing, unnamed, unnamed]);
      expect(losing.hasFailed()).toBe(true);
      expect(answers).toMatchObject([{ problem: { code } }]);
      expect(await madeOf()).toBe(3);
    },
  );

  it("ends a stream after a fault, and answers its lines when they are sent again", async () => {
    const lines = [standing, aLine(), aLine()];
    losing.failSecond(broken());
    expect(await stream(lines)).toMatchObject([{ problem: { code: "internal" } }]);
    expect(await stream(lines)).toEqual(lines.map(({ runId }) => ({ runId, error: null })));
    expect(await madeOf()).toBe(3);
  });
});

type LosingDatabase = {
  readonly database: Database;
  /** Lets the transaction after the next fail, once. */
  readonly failSecond: (error: Error) => void;
  readonly hasFailed: () => boolean;
};

function losingDatabase(sound: Database): LosingDatabase {
  let planned: { readonly error: Error; passed: number } | undefined;
  const inWorkspace: Database["inWorkspace"] = (ctx, work) => {
    if (planned === undefined || (planned.passed += 1) === 1) return sound.inWorkspace(ctx, work);
    const { error } = planned;
    planned = undefined;
    return Promise.reject(error);
  };
  return {
    database: { ...sound, inWorkspace },
    failSecond: (error) => void (planned = { error, passed: 0 }),
    hasFailed: () => planned === undefined,
  };
}
