import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunDay } from "@downbeat/contract";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { axeViolations } from "./axe-violations.ts";
import { openPage, startBrowser, type OpenPage } from "./browser.ts";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

const FLOWS = `
import { flow } from "@downbeat/sdk";
export const steady = flow({ name: "steady" }, async () => {});
export const shaky = flow({ name: "shaky" }, async () => { throw new TypeError("shaken"); });
`;
const WIDE = { width: 1360, height: 900 };
const NARROW = { width: 360, height: 740 };
const RUN_DAYS = "**/v1/run-days*";

describe("ended runs by day", () => {
  let plane: Plane;
  let agent: RunningProcess | undefined;
  let browser: Browser;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    plane = await Plane.create();
    await writeFile(join(plane.project, "flows/run-days.ts"), FLOWS);
    await plane.startApi();
    await plane.logIn();
    await plane.cliOk(["deploy", "flows/run-days.ts"]);
    browser = await startBrowser(inject("chromiumPath"));
  });
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await agent?.kill("SIGTERM");
    await plane?.dispose();
  });

  async function open(options: Partial<Parameters<typeof openPage>[1]> = {}): Promise<Page> {
    opened = await openPage(browser, { url: `${plane.apiUrl}/runs#t=${plane.apiKey}`, ...options });
    return opened.page;
  }
  const chartOn = (page: Page): Locator => page.getByRole("region", { name: "Ended runs by day" });
  const rowsOn = (page: Page): Locator => page.getByRole("link", { name: /^Run / });

  it("have no chart in a workspace without runs", async () => {
    const page = await open();
    await page.getByText("No run yet.").waitFor();
    expect(await chartOn(page).count()).toBe(0);
  });

  describe("of which some have run", () => {
    let today: RunDay;

    beforeAll(async () => {
      agent = await plane.startAgent();
      for (const flowName of ["steady", "steady", "shaky"])
        await plane.ended(await plane.trigger(flowName));
      const { days } = await plane.client().call("listRunDays", { query: {} });
      today = days.findLast(({ runs }) => runs.COMPLETED > 0) as RunDay;
    });

    it("are shown by how they ended, each of the last 14 days readable on its own", async () => {
      const page = await open();
      const chart = chartOn(page);
      await chart.getByText("Completed 2").waitFor();
      await chart.getByText("Failed 1").waitFor();
      expect(await chart.getByRole("button").count()).toBe(14);
      expect(await chart.getByRole("button", { name: /: no run ended$/ }).count()).toBe(13);
      await chart.getByRole("button", { name: ": 2 completed, 1 failed" }).focus();
      await chart.getByText("Last 14 days").waitFor({ state: "detached" });
      expect(opened?.faults).toEqual({ consoleErrors: [], cspViolations: [], foreignRequests: [] });
    });

    it("are asked for when the list has been answered, and follow its flow", async () => {
      const page = await open();
      const seen: string[] = [];
      page.on("response", (response) => seen.push(`answered ${pathOf(response)}`));
      page.on("request", (request) => seen.push(`asked ${pathOf(request)}`));
      await page.reload();
      await chartOn(page).getByText("Completed 2").waitFor();
      expect(seen).toContain("asked /v1/run-days");
      expect(seen.indexOf("asked /v1/run-days")).toBeGreaterThan(seen.indexOf("answered /v1/runs"));

      await page.getByLabel("Flow").selectOption("shaky");
      await chartOn(page).getByText("Completed 0").waitFor();
      await chartOn(page).getByText("Failed 1").waitFor();
    });

    it("filter the list by the day they were made, until that is cleared", async () => {
      const page = await open();
      const chart = chartOn(page);
      await chart
        .getByRole("button", { name: /: no run ended$/ })
        .first()
        .click();
      await page.getByText("No run matches.").waitFor();
      expect(new URL(page.url()).searchParams.get("day")).toMatch(/^\d{4}-\d\d-\d\d$/);

      await chart.getByRole("button", { name: ": 2 completed, 1 failed" }).click();
      await page.waitForURL(({ searchParams }) => searchParams.get("day") === today.day);
      await rowsOn(page).nth(2).waitFor();
      await page.getByRole("link", { name: /UTC.*: show every day$/ }).waitFor();

      await page.getByRole("link", { name: "Clear" }).click();
      await page.waitForURL(({ search }) => search === "");
      await chart.locator("[aria-pressed=true]").waitFor({ state: "detached" });
    });

    it("leave the list alone when they cannot be read, and can be asked for again", async () => {
      const page = await open();
      await page.route(RUN_DAYS, (route) => route.fulfill({ status: 500, body: "broken" }));
      await page.reload();
      await chartOn(page).getByText("The counts by day could not be read.").waitFor();
      await rowsOn(page).nth(2).waitFor();
      expect(await rowsOn(page).count()).toBe(3);
      expect(await page.getByRole("alert").count()).toBe(0);
      await page.unroute(RUN_DAYS);
      await chartOn(page).getByRole("button", { name: "Try again" }).click();
      await chartOn(page).getByText("Completed 2").waitFor();
    });

    it.each([
      ["wide", WIDE],
      ["narrow", NARROW],
    ])("move nothing when they arrive, and fit a %s page", async (_, viewport) => {
      const page = await open({ viewport });
      let answer = (): void => {};
      const held = new Promise<void>((resolve) => (answer = resolve));
      await page.route(RUN_DAYS, async (route) => {
        await held;
        await route.fulfill({ json: { days: manyDays() } });
      });
      await page.reload();
      await rowsOn(page).first().waitFor();
      await chartOn(page).getByText("Completed –").waitFor();
      const before = await page.getByRole("table").last().boundingBox();
      answer();
      await chartOn(page).getByText("Higher than shown").waitFor();
      expect(await page.getByRole("table").last().boundingBox()).toEqual(before);
      const widthPx = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(widthPx).toBeLessThanOrEqual(viewport.width);
    });

    it.each(["light", "dark"] as const)("pass the accessibility rules in %s", async (scheme) => {
      const page = await open({ colorScheme: scheme });
      await page.route(RUN_DAYS, (route) => route.fulfill({ json: { days: manyDays() } }));
      await page.reload();
      await chartOn(page).getByText("Higher than shown").waitFor();
      expect(await axeViolations(page)).toEqual([]);
    });

    it("are printed by the command, days without any too", async () => {
      const { stdout } = await plane.cliOk(["runs", "days"]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toHaveLength(15);
      expect(lines[0]).toMatch(/^DAY +ENDED +COMPLETED +FAILED +CRASHED +CANCELLED +RAN$/);
      expect(lines.filter((line) => line.endsWith(" none"))).toHaveLength(13);
      expect(stdout).toMatch(new RegExp(`^${today.day} \\w{3} +3 +2 +1 +0 +0 +\\d.* m?s$`, "m"));
    });

    it("are printed as the API answers, of a flow, a deployment and a range", async () => {
      const { day } = today;
      const range = { from: "2026-01-30", to: "2026-02-02" };
      const cases = [
        [[], {}],
        [["--flow", "shaky"], { flowName: "shaky" }],
        [["--flow", "shaky/default"], { flowName: "shaky", deploymentName: "default" }],
        [["--flow", "shaky/other"], { flowName: "shaky", deploymentName: "other" }],
        [["--from", day, "--to", day], { from: day, to: day }],
        [["--from", range.from, "--to", range.to], range],
      ] as const;
      for (const [args, query] of cases) {
        const answer = await plane.client().call("listRunDays", { query });
        expect(await plane.cliJson(["runs", "days", ...args])).toEqual(answer);
      }
    });

    it("say so when there are none at all", async () => {
      const result = await plane.cliOk(["runs", "days", "--to", "2026-01-02"]);
      expect(result.stderr).toContain("No run that was made on these days has ended.");
      expect(result.stdout).toContain("2025-12-20 Sat   none");
    });
  });
});

function pathOf(message: { url(): string }): string {
  return new URL(message.url()).pathname;
}

/** With everything a chart can hold: nothing, few, many, and a day beside which the others would vanish. */
function manyDays(): RunDay[] {
  const counts = [0, 12, 840, 1204, 990, 0, 3, 1_250_331, 1033, 0, 999, 1450, 720, 88];
  return counts.map((completed, index) => ({
    day: `2026-11-${10 + index}`,
    runs: {
      COMPLETED: completed,
      FAILED: completed > 900 ? 1 : 0,
      CRASHED: index === 3 ? 40 : 0,
      CANCELLED: index === 4 ? 210 : 0,
    },
    runningMs: completed * 120,
  }));
}
