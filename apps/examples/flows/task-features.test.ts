import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flowDefinitionOf, type RunEvent } from "@downbeat/sdk/protocol";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { airportPairs } from "./airport-pairs.ts";
import { busiestRoutes } from "./busiest-routes.ts";
import { healthyRegions } from "./healthy-regions.ts";
import { publishElectricity } from "./publish-electricity.ts";
import { stockGrowth } from "./stock-growth.ts";
import { warmYears } from "./warm-years.ts";

let out: string;
const printed: string[] = [];

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "downbeat-examples-"));
  vi.stubEnv("EXAMPLE_RESULTS_DIR", out);
  vi.stubEnv("DOWNBEAT_RECORD", "off");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => printed.push(String(text)) > 0);
});

afterAll(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(out, { recursive: true, force: true });
});

describe("stock-growth", () => {
  it("compares stocks with the index, all of them read at once", async () => {
    const growth = await stockGrowth({ symbols: ["AAPL", "MSFT"] });
    expect(growth[0]).toEqual({ symbol: "AAPL", factor: 8.6 });
    expect(growth.map(({ symbol }) => symbol)).toContain("S&P 500");
    expect(printed.join("")).not.toContain("someone should look");
  });

  it("asks for help only when something failed", async () => {
    await expect(stockGrowth({ symbols: [] })).rejects.toThrow("nothing to compare");
    expect(printed.join("")).toContain("ask-for-help: someone should look");
  });
});

describe("healthy-regions", () => {
  it("summarises every region", async () => {
    const regions = await healthyRegions({});
    expect(regions).toHaveLength(6);
    expect(regions.every(({ years }) => years > 50 && years < 85)).toBe(true);
    const rich = await healthyRegions({ minimumIncome: 30_000 });
    expect(rich.find(({ region }) => region === "europe_central_asia")?.countries).toBeLessThan(
      regions.find(({ region }) => region === "europe_central_asia")?.countries ?? 0,
    );
  });
});

describe("busiest-routes", () => {
  it("finds the busiest of all rows", async () => {
    const routes = await busiestRoutes({ top: 3 });
    expect(routes).toHaveLength(3);
    expect(routes[0]).toEqual({ from: "SFO", to: "LAX", flights: 13_788 });
  });
});

describe("publish-electricity", () => {
  it("leaves nothing behind when one source is incomplete", async () => {
    await expect(publishElectricity({ years: 18 })).rejects.toThrow(
      "17 years of data; 18 are needed",
    );
    expect(await readdir(out)).toEqual([]);
  });

  it("publishes every source when all are complete", async () => {
    expect(await publishElectricity({})).toHaveLength(3);
    expect(await readdir(out)).toEqual([
      "iowa-fossil-fuels.json",
      "iowa-nuclear-energy.json",
      "iowa-renewables.json",
    ]);
  });
});

describe("warm-years", () => {
  it("says that it is ready", async () => {
    expect(await warmYears({ above: 1 })).toEqual([2016, 2020, 2023]);
    expect(printed.join("")).toContain("warm-years: warm-years is ready");
  });

  it("retries, and says that it needs a look", async () => {
    await expect(warmYears({ file: "missing.csv" })).rejects.toThrow("missing.csv");
    expect(printed.join("")).toMatch(/attempt 1 failed[^]*attempt 2 failed[^]*needs a look/);
  });
});

describe("airport-pairs", () => {
  const working = () => join(out, "airport-pairs.working");

  it("counts pairs, and takes its sign away", async () => {
    expect(await airportPairs({ state: "RI" })).toBe(15);
    expect(existsSync(working())).toBe(false);
  });

  it("leaves no sign when its process dies: another one calls the hook", async () => {
    await writeFile(working(), "AK");
    const run = {
      runId: "01890a5d-ac96-774b-bcce-b302099a8057",
      epoch: 1,
      flowName: "airport-pairs",
      attempt: 1,
    };
    const events: RunEvent[] = [];
    const { signal } = new AbortController();
    const host = { run, signal, event: (event: RunEvent) => void events.push(event) };
    const crash = { class: "OutOfMemory", message: "The process reached its limit." };
    await flowDefinitionOf(airportPairs)?.crashed?.(crash, host);
    expect(existsSync(working())).toBe(false);
    expect(events).toMatchObject([{ text: "airport-pairs crashed; choose a smaller state" }]);
  });
});
