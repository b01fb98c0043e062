import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { DATABASE_KINDS, reserveDatabase, waitFor, type DatabasePlace } from "@downbeat/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

describe.each(DATABASE_KINDS)("the hosted plane dies (%s)", (kind) => {
  let place: DatabasePlace;
  let plane: Plane;

  afterEach(async () => {
    await plane.dispose();
    await place.drop();
  });

  async function start() {
    place = await reserveDatabase(kind);
    plane = await Plane.create(place.options.url);
    const api = await plane.startApi();
    await plane.setUp();
    return api;
  }

  it("completes a run, once, that was under way when the API was killed", async () => {
    const api = await start();
    await plane.startAgent();
    const { id } = await plane.cliJson<Run>(["run", "gated", "-p", "gate=away"]);
    const started = join(plane.folder, "away.started");
    await waitFor(() => readFile(started, "utf8"), { describe: "the run to start" });

    await api.kill("SIGKILL");
    await writeFile(join(plane.folder, "away.open"), "open");
    await waitFor(() => readFile(join(plane.folder, "away.passed"), "utf8"), {
      describe: "the flow to finish while the API is away",
    });
    await plane.startApi();

    const client = plane.client();
    await waitFor(
      async () =>
        (await client.call("readRun", { params: { runId: id } })).state.type === "COMPLETED",
      {
        deadlineMs: 60_000,
        describe: "COMPLETED",
      },
    );
    const { items } = await client.call("listRunStates", { params: { runId: id } });
    expect(items.filter(({ type }) => type === "COMPLETED")).toHaveLength(1);
    expect((await readFile(started, "utf8")).trim().split("\n")).toHaveLength(1);
  });

  it("still has every run it acknowledged before it was killed", async () => {
    const api = await start();
    const acknowledged: string[] = [];
    let accepting = true;
    const callers = Array.from({ length: 4 }, async () => {
      const client = plane.client();
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

    await plane.startApi();
    const client = plane.client();
    const missing: string[] = [];
    for (const runId of acknowledged) {
      await client.call("readRun", { params: { runId } }).catch(() => missing.push(runId));
    }
    expect(missing).toEqual([]);
  });
});
