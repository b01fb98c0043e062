import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess, type RunningProcess } from "./process.ts";

const require = createRequire(import.meta.url);
const EXAMPLES = dirname(require.resolve("@downbeat/examples/package.json"));
const TSX = pathToFileURL(createRequire(join(EXAMPLES, "package.json")).resolve("tsx")).href;
const MAILS = 1_000;

let plane: Plane;
let results: string;
let env: Record<string, string>;

beforeAll(async () => {
  plane = await Plane.create();
  await plane.startApi();
  await plane.logIn();
  results = join(plane.folder, "results");
  await mkdir(results);
  env = { DOWNBEAT_HOME: plane.customerHome, EXAMPLE_RESULTS_DIR: results };
  await plane.cliOk(["deploy", "--project", EXAMPLES, "flows/send-mail.ts"]);
});
afterAll(() => plane.dispose());

const sentMails = async (): Promise<string[]> =>
  (await readFile(join(results, "outbox.txt"), "utf8").catch(() => "")).split("\n").filter(Boolean);
const startScript = async (name: string, source: string): Promise<RunningProcess> => {
  const script = join(plane.project, name);
  await writeFile(script, source);
  return startProcess(process.execPath, [script], { cwd: plane.project, env });
};

it("a web app sends a thousand e-mails on a click; agents do it, and the app can ask about each", async () => {
  const main = join(EXAMPLES, "web/main.ts");
  const app = startProcess(process.execPath, ["--import", TSX, main], { cwd: EXAMPLES, env });
  plane.processes.push(app);
  const [url = ""] = await app.waitForOutput(/http:\S+/);
  const addresses = Array.from({ length: MAILS }, (_, at) => `reader-${at}@example.org`);
  const answer = await fetch(`${url}/newsletters`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ subject: "Summer", addresses }),
  });
  expect(answer.status).toBe(202);
  const { runIds } = (await answer.json()) as { runIds: string[] };
  expect(new Set(runIds).size).toBe(MAILS);
  const [runId = ""] = runIds;
  const { state, tags } = await plane.client().call("readRun", { params: { runId } });
  expect([state.type, tags]).toEqual(["SCHEDULED", ["background"]]);

  await plane.startAgent(["--project", EXAMPLES, "--concurrency", "4"], env);
  await waitFor(async () => (await sentMails()).length === MAILS, {
    deadlineMs: 90_000,
    describe: "all e-mails to be sent",
  });
  const sent = await sentMails();
  expect(new Set(sent).size).toBe(MAILS);
  expect(sent).toContain("reader-7@example.org: Summer");
  const mail = (): Promise<Response> => fetch(`${url}/mails/${runId}`);
  const stateOfMail = async () => ((await (await mail()).json()) as { state: string }).state;
  await waitFor(async () => (await stateOfMail()) === "Completed", {
    describe: "the end to be known",
  });
  await app.kill("SIGTERM");
});

it("a script that ends at once has all it asked for sent, and says what was refused", async () => {
  const script = await startScript(
    "delays.mjs",
    `import { task } from "@downbeat/sdk";
    const mail = task({ name: "send-mail", background: true }, async () => {});
    const unknown = task({ name: "never-deployed", background: true }, async () => {});
    const runs = Array.from({ length: 700 }, (_, n) => mail.delay("script-" + n, "x"));
    try { mail.delay(new Date()); } catch (error) { console.log(error.message); }
    unknown.delay();
    console.log(runs[699].runId);`,
  );
  expect(await script.exited).toBe(0);
  const [refused, last = ""] = script.stdout().trim().split("\n");
  expect(refused).toBe("args[0] is an instance of Date, which JSON cannot carry");
  expect(script.stderr()).toContain('a background run of "never-deployed" was not made');
  const run = await plane.client().call("readRun", { params: { runId: last } });
  expect(run.flowName).toBe("send-mail");
  await waitFor(async () => (await sentMails()).includes("script-699: x"), {
    deadlineMs: 60_000,
    describe: "the last of them to be done",
  });
});

it("calls in a flow become its children, made once although the flow runs again", async () => {
  await writeFile(
    join(plane.project, "flows/fans-out.ts"),
    `import { flow, task } from "@downbeat/sdk";
    const mail = task({ name: "send-mail", background: true }, async (to: string, subject: string) => {});
    let attempts = 0;
    export const fansOut = flow({ name: "fans-out", retries: 1, retryDelay: 1 }, async () => {
      for (let n = 0; n < 20; n += 1) mail.delay("fan-" + n, "y");
      if (attempts++ === 0) throw new Error("again");
    });`,
  );
  // A pool of its own: the agent of the other project has not got this flow.
  await plane.cliOk(["pool", "create", "fans"]);
  await plane.cliOk(["deploy", "flows/fans-out.ts", "--pool", "fans"]);
  await plane.startAgent(["--name", "second", "--pool", "fans"], env);
  const { id } = await plane.cliJson<Run>(["run", "fans-out", "--watch"]);
  const query = { flowName: "send-mail", limit: 200 };
  const { items } = await plane.client().call("listRuns", { query });
  expect(items.filter((run) => run.parentRunId === id)).toHaveLength(20);
});

it("a script whose plane is away says what was not sent, and fails", async () => {
  const script = join(plane.project, "lost.mjs");
  await writeFile(
    script,
    `import { task } from "@downbeat/sdk";
    const mail = task({ name: "send-mail", background: true }, async () => {});
    mail.delay("a", "b"); mail.delay("c", "d");`,
  );
  const away = {
    DOWNBEAT_API_URL: "http://127.0.0.1:9",
    DOWNBEAT_API_KEY: plane.apiKey,
    DOWNBEAT_KEY_FILE: (await plane.cliJson<{ file: string }>(["key", "show"])).file,
  };
  const running = startProcess(process.execPath, [script], { cwd: plane.project, env: away });
  expect(await running.exited).toBe(1);
  expect(running.stderr()).toContain("2 background runs were not sent");
});

it("the example deploys a flow twice, and an agent runs what it deployed", async () => {
  expect(await script(EXAMPLES, join(EXAMPLES, "deploy.ts"))).toMatchObject({ code: 0 });
  const deployment = await plane.client().call("readDeployment", {
    params: { flowName: "seattle-weather", deploymentName: "year-2013" },
  });
  expect(deployment).toMatchObject({
    poolName: "default",
    tags: ["weather"],
    retry: { retriesOnFailure: 1, retriesOnCrash: 0 },
  });
  const again = await script(EXAMPLES, join(EXAMPLES, "deploy.ts"));
  expect(again.code).toBe(0);
  await plane.cliOk(["run", "seattle-weather/year-2013", "--watch"]);
  expect((await readdir(results)).filter((file) => file !== "outbox.txt")).not.toEqual([]);
});

it("what cannot be deployed is refused with the reason, and nothing is sent", async () => {
  const attempts: readonly (readonly [options: string, words: string])[] = [
    [`{ module: new URL("./flows/other.mjs", import.meta.url) }`, 'exports no flow "own"'],
    [`{ module: new URL("../outside.mjs", import.meta.url) }`, "does not lie in the project"],
    [`{ module: "./flows/own.mjs" }`, "it takes a file URL"],
    [`{ module, retry: { retriesOnCrash: -1 } }`, "retry.retriesOnCrash"],
    [`{ module, limits: ["a/b"] }`, "limitNames"],
    [`{ module, pool: "nowhere" }`, "nowhere"],
  ];
  await mkdir(join(plane.project, "flows"), { recursive: true });
  await writeFile(
    join(plane.project, "flows/own.mjs"),
    `import { flow } from "@downbeat/sdk"; export const own = flow({ name: "own" }, async () => 1);`,
  );
  await writeFile(join(plane.project, "flows/other.mjs"), `export const nothing = 1;`);
  await writeFile(
    join(plane.project, "deploy.mjs"),
    `import { deploy } from "@downbeat/sdk";
    import { own } from "./flows/own.mjs";
    const module = new URL("./flows/own.mjs", import.meta.url);
    for (const options of [${attempts.map(([options]) => options).join(", ")}])
      await deploy(own, options).then(() => console.log("deployed"), (error) => console.log(error.message));`,
  );
  const { text } = await script(plane.project, join(plane.project, "deploy.mjs"));
  const lines = text.trim().split("\n");
  expect(lines).toHaveLength(attempts.length);
  attempts.forEach(([, words], at) => expect(lines[at]).toContain(words));
  const names = { flowName: "own", deploymentName: "default" };
  await expect(plane.client().call("readDeployment", { params: names })).rejects.toMatchObject({
    code: "flow_not_found",
  });
});

async function script(cwd: string, file: string): Promise<{ code: unknown; text: string }> {
  const running = startProcess(process.execPath, ["--import", TSX, file], {
    cwd,
    env: { DOWNBEAT_HOME: plane.customerHome },
  });
  plane.processes.push(running);
  const code = await running.exited;
  return { code, text: running.stdout() + running.stderr() };
}
