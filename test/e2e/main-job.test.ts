import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run, RunDetail, RunStateRecord, TaskRun } from "@downbeat/contract";
import { DATABASE_KINDS, waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dumpEmbedded, dumpPostgres, readTree } from "./database-dump.ts";
import { findMarkers } from "../boundary/find-marker.ts";
import { listeningPorts } from "./listening-sockets.ts";
import { Plane } from "./plane.ts";
import { processTree } from "./process-tree.ts";
import type { RunningProcess } from "./process.ts";

const SECRET = "marker-parameter-e18c77";
const MARKERS = [
  SECRET,
  "marker-source-5f1c9a",
  "marker-log-7d20be",
  "marker-field-91c2aa",
  "marker-stdout-3b8e10",
  "marker-result-",
  "marker-error-c4417e",
  "marker-cause-0aa6d2",
];

describe.each(DATABASE_KINDS)("the main job on %s", (kind) => {
  let plane: Plane;
  let api: RunningProcess;
  let agent: RunningProcess;

  beforeAll(async () => {
    plane = await Plane.create(kind);
    api = await plane.startApi();
    await plane.setUp();
    // A small heap, so that exhausting it takes a second and not a minute.
    const env = { NODE_OPTIONS: "--max-old-space-size=256" };
    agent = await plane.startAgent(["--concurrency", "4"], env, { byCommand: true });
  });

  afterAll(() => plane.dispose());

  /** What becomes of a run. */
  const ended = async (flowName: string, parameters?: object): Promise<RunDetail> =>
    plane.ended(await plane.trigger(flowName, parameters));

  async function history(runId: string): Promise<string[]> {
    const { items } = await plane.client().call("listRunStates", { params: { runId } });
    return items.map(({ type }: RunStateRecord) => type);
  }

  async function taskRuns(runId: string): Promise<TaskRun[]> {
    return (await plane.client().call("listTaskRuns", { params: { runId }, query: {} })).items;
  }

  it("runs a flow from the command line to COMPLETED, with its history, tasks and opened logs", async () => {
    const watched = ["markers", "-p", `secret=${SECRET}`, "--watch"];
    const done = await plane.cliJson<Run>(["run", ...watched]);
    expect((await plane.read(done.id)).state.type).toBe("COMPLETED");
    expect(await history(done.id)).toEqual(["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]);
    expect((await taskRuns(done.id)).map((task) => [task.taskName, task.state.type])).toEqual([
      ["shout", "COMPLETED"],
    ]);

    const logs = await plane.cliOk(["runs", "logs", done.id]);
    expect(logs.stdout).toContain(`marker-log-7d20be says ${SECRET}`);
    expect(logs.stdout).toContain("marker-stdout-3b8e10");
    expect(await readFile(join(plane.project, "results/markers.txt"), "utf8")).toContain(SECRET);
  });

  it("opens a failure only where the key is", async () => {
    const failed = await ended("markers", { secret: SECRET, fail: true });
    expect(failed.state.type).toBe("FAILED");
    expect(failed.error).toMatchObject({ class: "TypeError", exitCode: null });
    const view = await plane.cliOk(["runs", "view", failed.id]);
    expect(view.stdout).toContain(`marker-error-c4417e ${SECRET}`);
    expect(view.stdout).toContain("marker-cause-0aa6d2");
  });

  // Which database it is, agent and command line cannot know.
  describe.runIf(kind === "postgres")("whatever the flow does", () => {
    it("exits 1 when the watched run fails, 0 when it completes", async () => {
      expect((await plane.cli(["run", "throws-text", "--watch"])).code).toBe(1);
      expect((await plane.cli(["run", "recovers", "--watch"])).code).toBe(0);
    });

    it("keeps a task's retries on record", async () => {
      const { id } = await ended("recovers");
      expect((await taskRuns(id))[0]).toMatchObject({ taskName: "flaky", attempt: 3 });
    });

    it.each([
      ["throws-text", "FAILED", "failed", { class: "ThrownValue", exitCode: null }],
      ["exits-early", "CRASHED", "process_exited", { class: "ProcessExit", exitCode: 3 }],
      ["never-returns", "FAILED", "never_settled", { class: "FlowNeverSettled", exitCode: null }],
    ])("%s ends as %s with reason %s", async (flowName, type, reason, error) => {
      const run = await ended(flowName);
      expect(run.state.type).toBe(type);
      expect(run.reason).toBe(reason);
      expect(run.error).toMatchObject(error);
    });

    it("tells running out of memory apart", async () => {
      const run = await ended("exhausts-memory");
      expect(run.state.type).toBe("CRASHED");
      expect(run.reason).toBe("out_of_memory");
    });

    it("cancels a stubborn run and kills its whole process group", async () => {
      const id = await plane.trigger("stubborn");
      const pids = await waitFor(
        async () =>
          (await readFile(join(plane.folder, "stubborn.pids"), "utf8").catch(() => "")).trim(),
        { describe: "the stubborn flow to start" },
      );
      await plane.cliOk(["runs", "cancel", id]);
      await plane.reaches(id, "Cancelled");
      await waitFor(() => pids.split(" ").every((pid) => !isAlive(Number(pid))), {
        describe: "both processes to be gone",
      });
      expect(await history(id)).toEqual([
        "SCHEDULED",
        "PENDING",
        "RUNNING",
        "CANCELLING",
        "CANCELLED",
      ]);
    });

    it("opens no listening socket in the agent or below it", async () => {
      expect(await listeningPorts(api.pid)).toContain(Number(plane.port)); // the probe sees one where there is one
      expect((await processTree(agent.pid)).length).toBeGreaterThan(1);
      expect(await listeningPorts(agent.pid)).toEqual([]);
    });

    it("goes on after Ctrl-C of the watching command", async () => {
      const watching = plane.startCli(["run", "gated", "-p", "gate=watched", "--watch"]);
      await waitFor(() => readFile(join(plane.folder, "watched.started"), "utf8"), {
        describe: "the run to start",
      });
      expect(await watching.kill("SIGINT")).toBe(130);
      await writeFile(join(plane.folder, "watched.open"), "open");
      const [{ id }] = (await plane.cliJson<{ items: [Run] }>(["runs", "ls", "--flow", "gated"]))
        .items;
      await plane.reaches(id, "Completed");
    });
  });

  // Last: it ends the agent and the API.
  it("leaves nothing of the customer's in the database or in the API's log", async () => {
    expect(await agent.kill("SIGTERM")).toBe(0);
    expect(await api.kill("SIGTERM")).toBe(0);
    const { url, dataDir } = { url: plane.databaseUrl, dataDir: join(plane.apiHome, "data") };
    const dump = url === undefined ? await dumpEmbedded(dataDir) : await dumpPostgres(url);
    // The embedded database's own files are in the tree.
    const everything = `${dump}\n${api.stdout()}\n${api.stderr()}\n${await readTree(plane.apiHome)}`;
    expect(everything).toContain("markers"); // the flow's name is plain metadata: the search looks in the right place
    expect(findMarkers(Buffer.from(everything, "latin1"), MARKERS)).toEqual([]);
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
