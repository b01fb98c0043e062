import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

// On one database: what the plane does of it is tested on both in test/integration.
describe("runs that crash, wait and are overruled", () => {
  let plane: Plane;

  beforeAll(async () => {
    plane = await Plane.create();
    await plane.startApi();
    await plane.logIn();
    const policy = ["--retries-on-crash", "1", "--retry-delay", "100ms"];
    await plane.cliOk(["deploy", "flows/behaviour.ts", ...policy]);
    await plane.startAgent(["--concurrency", "2"]);
  });
  afterAll(() => plane.dispose());

  const names = async (runId: string): Promise<string[]> => {
    const { items } = await plane.client().call("listRunStates", { params: { runId } });
    return items.map(({ name }) => name);
  };
  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(join(plane.folder, file), "utf8").catch(() => "")).split("\n").filter(Boolean);

  it("runs a flow whose process was killed again, to its end", async () => {
    const runId = await plane.trigger("dies-once");
    await plane.reaches(runId, "Completed");
    expect((await plane.read(runId)).epoch).toBe(2);
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
    const runId = await plane.trigger("asks");
    await plane.reaches(runId, "Paused");
    const { pause } = await plane.read(runId);
    expect(pause?.key).toBe("approval");
    expect(JSON.stringify(pause)).not.toContain("marker-default");
    const refused = await plane.cli(["runs", "resume", runId, "-p", "approved=perhaps"]);
    expect(refused.code).toBe(2);
    await plane.cliOk(["runs", "resume", runId, "-p", "approved=true"]);
    await plane.reaches(runId, "Completed");
    const [line] = await linesOf("asks.given");
    expect(line).toContain('{"approved":true,"note":"marker-default"}');
  });

  it("starts a suspended flow again from the top, with every input given so far", async () => {
    const runId = await plane.trigger("suspends");
    for (const note of ["one", "two"]) {
      await plane.reaches(runId, "Suspended");
      await plane.cliOk(["runs", "resume", runId, "-p", "approved=true", "-p", `note=${note}`]);
    }
    await plane.reaches(runId, "Completed");
    expect(await linesOf("suspends.given")).toEqual(["first one", "first one", "second two"]);
    expect((await plane.read(runId)).epoch).toBe(3);
  });

  it("cancels a paused run", async () => {
    const runId = await plane.trigger("asks");
    await plane.reaches(runId, "Paused");
    await plane.cancel(runId);
    await plane.reaches(runId, "Cancelled");
    expect((await names(runId)).slice(-3)).toEqual(["Paused", "Cancelling", "Cancelled"]);
  });

  it("kills the process of a run that an operator declares ended", async () => {
    const runId = await plane.trigger("spins");
    const pid = await waitFor(async () => Number((await linesOf("spins.pids"))[0] ?? 0), {
      describe: "the flow to spin",
    });
    await plane.cliOk(["runs", "set-state", runId, "failed"]);
    await waitFor(() => !isAlive(pid), { describe: "its process to be gone" });
    expect((await plane.read(runId)).reason).toBe("operator_set");
  });

  it("ends a run that takes longer than its deployment allows, and runs it again when asked", async () => {
    await plane.cliOk(["deploy", "flows/behaviour.ts", "--timeout", "1s"]);
    const runId = await plane.trigger("spins");
    await plane.reaches(runId, "TimedOut");
    expect((await plane.read(runId)).reason).toBe("timed_out");
    await plane.cliOk(["runs", "retry", runId]);
    await waitFor(async () => (await plane.read(runId)).epoch === 2, {
      describe: "another attempt",
    });
    await plane.reaches(runId, "TimedOut");
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
