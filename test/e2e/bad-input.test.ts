import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI_MAIN } from "./mains.ts";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

describe("bad input", () => {
  let plane: Plane;

  beforeAll(async () => {
    plane = await Plane.create();
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
    [["deploy", "--dry-run", "--tag", "x".repeat(200)], 1, "tags.0: Too big"],
    [["frobnicate"], 2, "frobnicate"],
    [["run", "recovers", "--at", "2026-02-30T07:00:00Z"], 2, "is not a time"],
    [["run", "recovers", "--idempotency-key", "abc"], 2, '"abc" is not a UUID'],
    [["runs", "cancel", "--older-than", "99999999999d", "--dry-run"], 2, "is too long"],
    [["api", "GET", "@elsewhere.example/v1/runs"], 2, "begins with a slash"],
    [["agent", "start", "--project", "absent"], 2, "no project directory"],
    [["results", "prune", "--project", "absent"], 2, "no project directory"],
    [["runs", "days", "--from", "2026-02-30"], 2, "written as 2026-03-01"],
    [["runs", "days", "--from", "2026-03-02", "--to", "2026-03-01"], 2, "no later than"],
    [["runs", "days", "--flow", "a/b/c"], 2, "FLOW/DEPLOYMENT"],
  ])("%j exits %i and names %s", async (args, code, words) => {
    const result = await plane.cli(args);
    expect(result.stderr).toContain(words);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
  });

  it("refuses parameters that are too large to be sealed, by their size", async () => {
    const file = join(plane.folder, "large.json");
    await writeFile(file, JSON.stringify({ gate: "x".repeat(600 * 1024) }));
    const result = await plane.cli(["run", "gated", "--params", `@${file}`]);
    expect(result.stderr).toMatch(/take \d+ bytes as JSON; \d+ are allowed/);
    expect(result.code).toBe(1);
  });

  it("takes a limit away with none", async () => {
    const queue = ["pool", "queue", "default", "narrow", "--limit"];
    await plane.cli([...queue, "3"]);
    const pool = await plane.cliJson<{ queues: object[] }>([...queue, "none"]);
    expect(pool.queues).toContainEqual(
      expect.objectContaining({ name: "narrow", concurrencyLimit: null }),
    );
    const limit = ["deployment", "limit", "gated", "--concurrency"];
    await plane.cli([...limit, "3"]);
    expect(await plane.cliJson([...limit, "none"])).toMatchObject({ concurrency: null });
  });

  it("watches for a month when asked to: such a time does not pass at once", async () => {
    const { id } = await plane.cliJson<{ id: string }>(["run", "gated", "-p", "gate=never"]);
    const watching = plane.cli(["runs", "watch", id, "--timeout", "30d"]);
    await plane.cli(["runs", "cancel", id]);
    expect(await watching).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Cancelled") as string,
    });
  });

  it.skipIf(!existsSync("/dev/full"))(
    "says in a line that what it prints cannot be written",
    () => {
      const line = `exec "$0" "$1" deploy --help >/dev/full`;
      const { status, stderr } = spawnSync("sh", ["-c", line, process.execPath, CLI_MAIN]);
      expect(stderr.toString()).toMatch(/^stdout cannot be written: .*\n$/);
      expect(status).toBe(1);
    },
  );

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
    const { keyId } = await plane.cliJson<{ keyId: string }>(["key", "show"]);
    const missing = await plane.cli(["agent", "start"], {
      DOWNBEAT_KEY_FILE: join(plane.folder, "absent.json"),
    });
    expect(missing).toMatchObject({ code: 7, stderr: expect.stringContaining(keyId) as string });
  });

  it("refuses a key file that others can read", async () => {
    const path = await plane.keyFile();
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

  describe("given to an agent", () => {
    let agent: RunningProcess;
    beforeAll(async () => {
      agent = await plane.startAgent(["--concurrency", "1"]);
    });

    it("fails a run whose parameters do not fit, though the plane let them pass", async () => {
      // The schema is replaced after deploying, so that only the agent's own check is left.
      const path = join(plane.project, "flows/gated.ts");
      const source = await readFile(path, "utf8");
      await writeFile(path, source.replace("gate: z.string()", "gate: z.string().max(1)"));
      const runId = await plane.trigger("gated", { gate: "too-long" });
      await plane.reaches(runId, "Failed");
      expect(await plane.read(runId)).toMatchObject({
        state: { type: "FAILED" },
        reason: "parameters_invalid",
        error: { class: "ParameterError" },
      });
    });

    it("drains on SIGTERM: it finishes what runs, gives back the rest and exits 0", async () => {
      const runId = await plane.trigger("gated", { gate: "x" });
      await waitFor(() => readFile(join(plane.folder, "x.started"), "utf8"), {
        describe: "the flow to start",
      });
      const next = await plane.trigger("recovers");
      agent.child.kill("SIGTERM");
      await writeFile(join(plane.folder, "x.open"), "open");
      expect(await agent.exited).toBe(0);
      expect((await plane.read(runId)).state.name).toBe("Completed");
      expect((await plane.read(next)).state.type).toBe("SCHEDULED");
    });
  });
});
