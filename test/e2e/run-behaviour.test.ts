import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run, RunDetail, StateName } from "@downbeat/contract";
import { reserveDatabase, waitFor, type DatabasePlace } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

// On one database: what the plane does of it is tested on both in test/integration.
describe("runs that crash, wait and are overruled", () => {
  let place: DatabasePlace;
  let plane: Plane;

  beforeAll(async () => {
    place = await reserveDatabase("postgres");
    plane = await Plane.create(place.options.url);
    await plane.startApi();
    await plane.setUp();
    const policy = ["--retries-on-crash", "1", "--retry-delay", "100ms"];
    await plane.cliOk(["deploy", "flows/behaviour.ts", ...policy]);
    await plane.startAgent(["--concurrency", "2"]);
  });
  afterAll(async () => {
    await plane.dispose();
    await place.drop();
  });

  const read = (runId: string): Promise<RunDetail> =>
    plane.client().call("readRun", { params: { runId } });
  const names = async (runId: string): Promise<string[]> => {
    const { items } = await plane.client().call("listRunStates", { params: { runId } });
    return items.map(({ name }) => name);
  };
  const reaches = (runId: string, name: StateName): Promise<unknown> =>
    waitFor(async () => (await read(runId)).state.name === name, {
      deadlineMs: 30_000,
      describe: `the run to be ${name}`,
    });
  const trigger = async (flowName: string): Promise<string> =>
    (await plane.cliJson<Run>(["run", flowName])).id;
  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(join(plane.folder, file), "utf8").catch(() => "")).split("\n").filter(Boolean);

  it("runs a flow whose process was killed again, to its end", async () => {
    const runId = await trigger("dies-once");
    await reaches(runId, "Completed");
    expect((await read(runId)).epoch).toBe(2);
    expect(await names(runId)).toEqual([
      "Scheduled",
      "Pending",
      "Running",
      "AwaitingRetry",
      "Pending",
      "Running",
      "Completed",
    ]);
    // From a process that takes the place of the dead one; it may take longer than the next attempt.
    const logs = async () => (await plane.cliOk(["runs", "logs", runId])).stdout;
    await waitFor(async () => (await logs()).includes("Crashed in attempt 1"), {
      deadlineMs: 30_000,
      describe: "the hook of the crash to be heard",
    });
    await waitFor(async () => !(await logs()).includes("did not end"), {
      describe: "the log of the attempt that crashed to end",
    });
  });

  it("hands a paused flow, in the process that waited, what someone typed", async () => {
    const runId = await trigger("asks");
    await reaches(runId, "Paused");
    const { pause } = await read(runId);
    expect(pause?.key).toBe("approval");
    expect(JSON.stringify(pause)).not.toContain("marker-default");
    const refused = await plane.cli(["runs", "resume", runId, "-p", "approved=perhaps"]);
    expect(refused.code).toBe(2);
    await plane.cliOk(["runs", "resume", runId, "-p", "approved=true"]);
    await reaches(runId, "Completed");
    const [line] = await linesOf("asks.given");
    expect(line).toContain('{"approved":true,"note":"marker-default"}');
  });

  it("starts a suspended flow again from the top, with every input given so far", async () => {
    const runId = await trigger("suspends");
    for (const note of ["one", "two"]) {
      await reaches(runId, "Suspended");
      await plane.cliOk(["runs", "resume", runId, "-p", "approved=true", "-p", `note=${note}`]);
    }
    await reaches(runId, "Completed");
    expect(await linesOf("suspends.given")).toEqual(["first one", "first one", "second two"]);
    expect((await read(runId)).epoch).toBe(3);
  });

  it("cancels a paused run", async () => {
    const runId = await trigger("asks");
    await reaches(runId, "Paused");
    await plane.cliOk(["runs", "cancel", runId]);
    await reaches(runId, "Cancelled");
    expect((await names(runId)).slice(-3)).toEqual(["Paused", "Cancelling", "Cancelled"]);
  });

  it("kills the process of a run that an operator declares ended", async () => {
    const runId = await trigger("spins");
    const pid = await waitFor(async () => Number((await linesOf("spins.pids"))[0] ?? 0), {
      describe: "the flow to spin",
    });
    await plane.cliOk(["runs", "set-state", runId, "failed"]);
    await waitFor(() => !isAlive(pid), { describe: "its process to be gone" });
    expect((await read(runId)).reason).toBe("operator_set");
  });

  it("ends a run that takes longer than its deployment allows, and runs it again when asked", async () => {
    await plane.cliOk(["deploy", "flows/behaviour.ts", "--timeout", "1s"]);
    const runId = await trigger("spins");
    await reaches(runId, "TimedOut");
    expect((await read(runId)).reason).toBe("timed_out");
    await plane.cliOk(["runs", "retry", runId]);
    await waitFor(async () => (await read(runId)).epoch === 2, { describe: "another attempt" });
    await reaches(runId, "TimedOut");
  });

  it("counts, cancels, and deletes by filter", async () => {
    const choice = ["--flow", "spins", "--state", "failed,cancelled"];
    const counted = await plane.cliOk(["runs", "delete", ...choice, "--dry-run"]);
    expect(counted.stdout).toContain("2 runs match");
    expect((await plane.cli(["runs", "delete", ...choice])).code).toBe(2);
    await plane.cliOk(["runs", "delete", ...choice, "--yes"]);
    const { items } = await plane.cliJson<{ items: Run[] }>(["runs", "ls", "--flow", "spins"]);
    expect(items).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH: it is gone
  }
}
