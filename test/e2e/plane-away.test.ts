import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DATABASE_KINDS, waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

describe.each(DATABASE_KINDS)("the hosted plane dies (%s)", (kind) => {
  let plane: Plane;
  let api: RunningProcess;

  beforeAll(async () => {
    plane = await Plane.create(kind);
    api = await plane.startApi();
    await plane.setUp();
  });
  afterAll(() => plane.dispose());

  it("still has every run it acknowledged before it was killed", async () => {
    const client = plane.client();
    const acknowledged: string[] = [];
    let accepting = true;
    const callers = Array.from({ length: 4 }, async () => {
      while (accepting) {
        try {
          acknowledged.push(
            (await client.call("createRun", { body: { flowName: "recovers" } })).id,
          );
        } catch {
          return; // the API is gone: this trigger was never acknowledged
        }
      }
    });
    await waitFor(() => acknowledged.length >= 50, { describe: "50 acknowledged triggers" });
    await api.kill("SIGKILL");
    accepting = false;
    await Promise.all(callers);

    api = await plane.startApi();
    const missing: string[] = [];
    for (const runId of acknowledged) await plane.read(runId).catch(() => missing.push(runId));
    expect(missing).toEqual([]);
  });

  // On PostgreSQL a scenario of test/chaos does the same to many runs.
  it.runIf(kind === "pglite")(
    "completes a run, once, that was under way when the API was killed",
    async () => {
      // A pool of its own, as the runs above wait in the other one.
      await plane.cliOk(["pool", "create", "away"]);
      await plane.cliOk(["deploy", "flows/gated.ts", "--pool", "away"]);
      await plane.startAgent(["--pool", "away"]);
      const runId = await plane.trigger("gated", { gate: "away" });
      const started = join(plane.folder, "away.started");
      await waitFor(() => readFile(started, "utf8"), { describe: "the run to start" });

      await api.kill("SIGKILL");
      await writeFile(join(plane.folder, "away.open"), "open");
      await waitFor(() => readFile(join(plane.folder, "away.passed"), "utf8"), {
        describe: "the flow to finish while the API is away",
      });
      await plane.startApi();

      await plane.reaches(runId, "Completed");
      const { items } = await plane.client().call("listRunStates", { params: { runId } });
      expect(items.filter(({ type }) => type === "COMPLETED")).toHaveLength(1);
      expect((await readFile(started, "utf8")).trim().split("\n")).toHaveLength(1);
    },
  );
});
