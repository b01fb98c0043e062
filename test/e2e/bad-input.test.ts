import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { API_MAIN } from "./mains.ts";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

describe("bad input on the command line", () => {
  let plane: Plane;

  beforeAll(async () => {
    plane = await Plane.create(undefined);
    await plane.startApi();
    await plane.setUp();
  });
  afterAll(() => plane.dispose());

  it.each([
    [["run", "gated"], 2, "gate"],
    [["run", "markers", "-p", "secret=x", "-p", "fail=perhaps"], 2, "fail"],
    [["run", "markers", "-p", "secret=x", "-p", "typo=1"], 2, "typo"],
    [["run", "no-such-flow"], 5, "no-such-flow"],
    [
      ["runs", "view", "0196f000-0000-7000-8000-000000000000"],
      5,
      "0196f000-0000-7000-8000-000000000000",
    ],
    [["deploy", "--pool", "no-such-pool"], 5, "no-such-pool"],
    [["deploy", "flows/absent.ts"], 2, "absent.ts"],
    [["frobnicate"], 2, "frobnicate"],
  ])("%j exits %i and names %s", async (args, code, words) => {
    const result = await plane.cli(args);
    expect(result.stderr).toContain(words);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
  });

  it("says when nobody answers, when the API key is wrong, and when no profile is set", async () => {
    const away = await plane.cli(["runs", "ls"], {
      DOWNBEAT_API_URL: "http://127.0.0.1:9",
      DOWNBEAT_API_KEY: plane.apiKey,
    });
    expect(away).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("127.0.0.1:9") as string,
    });
    const wrong = await plane.cli(["runs", "ls"], {
      DOWNBEAT_API_URL: plane.apiUrl,
      DOWNBEAT_API_KEY: `${plane.apiKey.slice(0, -1)}x`,
    });
    expect(wrong.code).toBe(4);
    const none = await plane.cli(["runs", "ls"], {
      DOWNBEAT_HOME: join(plane.folder, "empty-home"),
    });
    expect(none.stderr).toContain("downbeat login");
    expect(none.code).not.toBe(0);
  });

  it("names the key that is needed when the key is missing or another", async () => {
    const { id } = await plane.cliJson<Run>(["run", "recovers"]);
    const { keyId } = await plane.cliJson<{ keyId: string }>(["key", "show"]);
    const missing = await plane.cli(["agent", "start"], {
      DOWNBEAT_KEY_FILE: join(plane.folder, "absent.json"),
    });
    expect(missing).toMatchObject({ code: 7, stderr: expect.stringContaining(keyId) as string });
    expect(id).toBeDefined();
  });

  it("refuses a key file that others can read", async () => {
    const profile = JSON.parse(
      await readFile(join(plane.customerHome, "profile.json"), "utf8"),
    ) as { keyFile: string };
    const path = join(plane.customerHome, profile.keyFile);
    await chmod(path, 0o644);
    const result = await plane.cli(["deploy"]);
    await chmod(path, 0o600);
    expect(result.code).toBe(7);
    expect(result.stderr).toMatch(/600/);
  });

  it("deploys nothing when one module does not load, and says which", async () => {
    const path = join(plane.project, "flows/broken.ts");
    await writeFile(path, "export const x = ;\n");
    const result = await plane.cli(["deploy"]);
    await writeFile(path, "export {};\n");
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("broken.ts");
  });
});

describe("starting the API", () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await Plane.create(undefined);
    await plane.startApi();
  });
  afterAll(() => plane.dispose());

  it("says that the port is taken, and moves on when told to", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const env = {
      DOWNBEAT_HOME: join(plane.folder, "second-home"),
      DOWNBEAT_PORT: String(port),
      DOWNBEAT_READY_LINE: "1",
    };
    const refused = startProcess(process.execPath, [API_MAIN], { cwd: plane.folder, env });
    expect(await refused.exited).toBe(1);
    expect(refused.stderr()).toContain(String(port));

    const moved = startProcess(process.execPath, [API_MAIN], {
      cwd: plane.folder,
      env: { ...env, DOWNBEAT_PORT_SEARCH: "1" },
    });
    plane.processes.push(moved);
    const ready = await moved.waitForOutput(/\{"listening":"([^"]+)"/, 60_000);
    expect(ready[1]).not.toContain(`:${port}`);
    await new Promise((resolve) => blocker.close(resolve));
  });

  it("says that the data directory is in use, and by which process", async () => {
    const [owner] = plane.processes;
    const second = startProcess(process.execPath, [API_MAIN], {
      cwd: plane.folder,
      env: { DOWNBEAT_HOME: plane.apiHome, DOWNBEAT_PORT: "0" },
    });
    expect(await second.exited).toBe(1);
    expect(second.stderr()).toContain(join(plane.apiHome, "data"));
    expect(second.stderr()).toContain(String(owner?.pid));
  });

  it("names every configuration variable that is wrong, at once", async () => {
    const second = startProcess(process.execPath, [API_MAIN], {
      cwd: plane.folder,
      env: { DOWNBEAT_PORT: "many", DOWNBEAT_LEASE_SECONDS: "-1", DATABASE_URL: "mysql://nowhere" },
    });
    expect(await second.exited).toBe(1);
    for (const name of ["DOWNBEAT_PORT", "DOWNBEAT_LEASE_SECONDS", "DATABASE_URL"]) {
      expect(second.stderr()).toContain(name);
    }
  });
});

describe("an agent", () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await Plane.create(undefined);
    await plane.startApi();
    await plane.setUp();
  });
  afterAll(() => plane.dispose());

  it("fails a run whose parameters do not fit, though the plane let them pass", async () => {
    await plane.startAgent();
    // The schema is replaced after deploying, so that only the agent's own check is left.
    const path = join(plane.project, "flows/gated.ts");
    const source = await readFile(path, "utf8");
    await mkdir(join(plane.project, "flows"), { recursive: true });
    await writeFile(path, source.replace("gate: z.string()", "gate: z.string().max(1)"));
    const { stdout } = await plane.cli([
      "run",
      "gated",
      "-p",
      "gate=too-long",
      "--watch",
      "--json",
    ]);
    const { id } = JSON.parse(stdout) as Run;
    const run = await plane.client().call("readRun", { params: { runId: id } });
    expect(run).toMatchObject({
      state: { type: "FAILED" },
      reason: "parameters_invalid",
      error: { class: "ParameterError" },
    });
  });

  it("drains on SIGTERM: it finishes what runs, gives back the rest and exits 0", async () => {
    const agent = await plane.startAgent(["--name", "drained", "--concurrency", "1"]);
    const client = plane.client();
    const { id } = await plane.cliJson<Run>(["run", "recovers"]);
    await waitFor(
      async () =>
        (await client.call("readRun", { params: { runId: id } })).state.type === "COMPLETED",
      {
        describe: "COMPLETED",
      },
    );
    expect(await agent.kill("SIGTERM")).toBe(0);
  });
});
