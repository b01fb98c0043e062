import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLOW, type FlowDefinition, type RunEvent, type RunHost } from "@downbeat/sdk/protocol";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

let out: string;

// Their storage is made when they are loaded, so that is done after the directory is known.
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "downbeat-kept-"));
  vi.stubEnv("EXAMPLE_RESULTS_DIR", out);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(out, { recursive: true, force: true });
});

it("cached-airports counts once, whoever asks", async () => {
  const { airportsByState } = await import("./cached-airports.ts");
  const first = await airportsByState();
  expect(first[0]).toEqual(["AK", 263]);
  expect(await airportsByState()).toEqual(first);
  const { ends } = await attempt(airportsByState, {}, "count-airports");
  expect(ends).toEqual(["Cached"]);
});

it("kept-months adds up no month again in the attempt after one that failed", async () => {
  const { keptMonths } = await import("./kept-months.ts");
  const inTheWay = join(out, "rain-of-2014.json");
  await mkdir(inTheWay);
  const months = (name: string) => Array.from({ length: 12 }, () => name);
  const first = await attempt(keptMonths, { year: 2014 }, "add-up-month");
  expect(first).toEqual({ outcome: "failed", ends: months("Completed") });
  await rm(inTheWay, { recursive: true });
  const second = await attempt(keptMonths, { year: 2014 }, "add-up-month");
  expect(second).toEqual({ outcome: "completed", ends: months("Cached") });
});

/** An attempt of one and the same run: how it ended, and in which state each run of a task did. */
async function attempt(
  flow: { readonly [FLOW]: FlowDefinition },
  parameters: unknown,
  taskName: string,
): Promise<{ outcome: string; ends: string[] }> {
  const events: RunEvent[] = [];
  const host: RunHost = {
    run: { runId: "0198c0de-0000-7000-8000-000000000001", epoch: 1, flowName: "f", attempt: 1 },
    signal: new AbortController().signal,
    event: (event) => void events.push(event),
  };
  const { outcome } = await flow[FLOW].execute(parameters, host);
  const ends = events.flatMap((event) =>
    event.kind === "task_run" && event.taskName === taskName && event.endedAt !== undefined
      ? event.state.name
      : [],
  );
  return { outcome, ends };
}
