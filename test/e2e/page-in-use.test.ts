import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { axeViolations } from "./axe-violations.ts";
import { keyIsKept, openPage, startBrowser, type OpenPage } from "./browser.ts";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

const LONG_NAME = "n".repeat(100);
const TAGS = ["a,b", "\u202Eevil", "<b>bold</b>"];
const NARROW = { width: 360, height: 740 };
const NO_FAULTS = { consoleErrors: [], cspViolations: [], foreignRequests: [] };

const FLOWS = `
import { artifact, flow, log, metric, task } from "@downbeat/sdk";
const step = task({ name: "step" }, async (n: number) => n);
class ${"E".repeat(60)} extends Error {}
export const crowded = flow({ name: "crowded" }, async () => {
  await step.map(Array.from({ length: 250 }, (_, n) => n));
  log.info("first line");
  log.warn("second line");
});
export const named = flow({ name: "${LONG_NAME}" }, async () => {
  metric("${LONG_NAME}", 5);
  throw new ${"E".repeat(60)}("named");
});
// A list in a list takes the longer to read the deeper it is: seconds for this one.
const deep = Array.from({ length: 650 }, (_, n) => " ".repeat(n * 2) + "- deep " + n).join("\\n");
export const wordy = flow({ name: "wordy" }, async () => {
  artifact.markdown("code", "AT&amp;T\\n\\n\`\`\`\\n" + "const a = 1; ".repeat(200) + "\\n\`\`\`");
  artifact.table("wide", [Object.fromEntries(Array.from({ length: 30 }, (_, n) => ["column " + n, n % 2 ? n / 7 : "cell " + n]))]);
});
export const slowly = flow({ name: "slowly" }, async () => artifact.markdown("deep", deep));
export const waiting = flow({ name: "waiting" }, async () => {});
`;

describe("the page in use", () => {
  let plane: Plane;
  let agent: RunningProcess | undefined;
  let browser: Browser;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    plane = await Plane.create();
    await writeFile(join(plane.project, "flows/in-use.ts"), FLOWS);
    const config = `{ deployments: { crowded: { tags: ${JSON.stringify(TAGS)} } } }`;
    await writeFile(join(plane.project, "downbeat.config.mjs"), `export default ${config};`);
    await plane.startApi();
    await plane.logIn();
    await plane.cliOk(["deploy", "flows/in-use.ts"]);
    agent = await plane.startAgent();
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

  async function open(path: string, viewport = { width: 1360, height: 900 }): Promise<Page> {
    const keyset = (await readFile(await plane.keyFile())).toString("base64url");
    const url = `${plane.apiUrl}${path}#t=${plane.apiKey}&k=${keyset}`;
    opened = await openPage(browser, { url, viewport });
    return opened.page;
  }
  async function endedRun(flowName: string): Promise<string> {
    const runId = await plane.trigger(flowName);
    await plane.ended(runId);
    return runId;
  }
  const section = (page: Page, name: string): Locator => page.getByRole("region", { name });
  const hasFocus = (locator: Locator): Promise<boolean> =>
    locator.evaluate((element) => element === document.activeElement);
  const widthOf = (page: Page): Promise<number> =>
    page.evaluate(() => document.documentElement.scrollWidth);

  describe("on a run with many tasks", () => {
    let runId: string;
    beforeAll(async () => {
      runId = await endedRun("crowded");
    });

    it("drops what makes no sense in an address, and lists the rest", async () => {
      const page = await open("/runs?state=5&day=2026-02-30&flow=%5B1%2C2%5D");
      await page.getByRole("link", { name: /^Run .* of crowded$/ }).waitFor();
      expect(await page.getByRole("link", { name: "Clear" }).count()).toBe(0);
      expect(opened?.faults).toEqual(NO_FAULTS);
    });

    it("offers a way out of a place in the list that there is not", async () => {
      const page = await open("/runs?cursor=nowhere");
      await page.getByText("The runs could not be read").waitFor();
      await page.getByRole("link", { name: "Newest" }).click();
      await page.getByRole("link", { name: /^Run .* of crowded$/ }).waitFor();
      expect(new URL(page.url()).search).toBe("");
    });

    it("opens a run whose id is written in capitals", async () => {
      const page = await open(`/runs/${runId.toUpperCase()}`);
      await page.getByRole("heading", { name: "crowded" }).waitFor();
      expect(opened?.faults).toEqual(NO_FAULTS);
    });

    it("does not go on asking for a run that there is not", async () => {
      const page = await open("/runs");
      const asked: string[] = [];
      const path = "/runs/01a20a09-0000-7000-8000-000000000000";
      page.on("request", (request) => {
        if (request.url().endsWith(`/v1${path}`)) asked.push(request.url());
      });
      await page.clock.install();
      await page.goto(plane.apiUrl + path);
      await page.getByText("The run could not be read").waitFor();
      const { length } = asked;
      await page.clock.runFor(10_000);
      await page.getByText("The run could not be read").waitFor();
      expect(asked).toHaveLength(length);
    });

    it("shows all of a run that has ended once a plane that was away is back", async () => {
      const page = await open(`/runs/${runId}`);
      const away = /\/(task-runs|states|metrics|artifacts)(\?|$)/;
      await page.route(away, (route) => route.abort());
      await page.reload();
      for (const what of ["task runs", "history", "metrics", "artifacts"])
        await page.getByText(`The ${what} could not be read.`).waitFor();
      await section(page, "History").getByRole("button", { name: "Try again" }).waitFor();
      await page.unroute(away);
      await section(page, "Task runs").getByRole("button", { name: "step × 250" }).waitFor();
      await section(page, "History").getByText("The flow returned.").waitFor();
      await page.getByText("The metrics could not be read").waitFor({ state: "detached" });
      await page.getByText("The artifacts could not be read").waitFor({ state: "detached" });
      expect(await page.getByRole("alert").count()).toBe(0);
    });

    it("puts the focus on what is there, when what had it is gone", async () => {
      const page = await open("/runs");
      await page.getByRole("link", { name: /^Run .* of crowded$/ }).press("Enter");
      await page.getByRole("heading", { name: "crowded" }).waitFor();
      expect(await hasFocus(page.getByRole("main"))).toBe(true);

      await page.getByRole("option", { name: "first line" }).click();
      await section(page, "Log line").getByRole("button", { name: "Close" }).press("Enter");
      expect(await hasFocus(page.getByRole("listbox", { name: "Log lines" }))).toBe(true);
    });

    it("says that no line matches, where there are lines", async () => {
      const page = await open(`/runs/${runId}`);
      await page.getByRole("option", { name: "first line" }).waitFor();
      await page.getByRole("searchbox").fill("third");
      await page.getByText("No line matches.").waitFor();
      expect(await page.getByText("0 of 2 lines").count()).toBe(1);
    });

    it("sets each tag apart", async () => {
      const page = await open(`/runs/${runId}`);
      const tags = section(page, "Facts").getByRole("listitem");
      await tags.first().waitFor();
      expect(await tags.allTextContents()).toEqual(TAGS);
      expect(await section(page, "Facts").locator("bdi").count()).toBe(TAGS.length);
    });

    it("has its columns on a narrow page, where tasks of a kind share a row", async () => {
      const page = await open(`/runs/${runId}`, NARROW);
      const header = section(page, "Task runs").getByRole("row").first();
      await header.waitFor();
      const lineHeightPx = 18;
      const height = (await header.boundingBox())?.height ?? Infinity;
      expect(height).toBeLessThan(2 * lineHeightPx + 12);
    });
  });

  it("holds names of any length on a narrow page", async () => {
    const runId = await endedRun(LONG_NAME);
    const page = await open("/runs?state=FAILED", NARROW);
    await page.getByText("One kind of failure").click();
    await page.getByRole("table", { name: "Failures by kind" }).waitFor();
    expect(await widthOf(page)).toBe(NARROW.width);

    await page
      .getByRole("link", { name: `Run ${runId.slice(-8)}` })
      .last()
      .click();
    await section(page, "Metrics").getByText(LONG_NAME).waitFor();
    await section(page, "History").getByText("The flow threw an error.").waitFor();
    expect(await widthOf(page)).toBe(NARROW.width);
    const value = await section(page, "Metrics").getByText("5", { exact: true }).boundingBox();
    expect((value?.x ?? Infinity) + (value?.width ?? 0)).toBeLessThan(NARROW.width);
  });

  it("shows code and wide tables in boxes that scroll, and words whole", async () => {
    const page = await open(`/runs/${await endedRun("wordy")}`);
    await section(page, "Artifacts").getByText("AT&T").waitFor();
    const lineHeightPx = 21;
    const cell = await page.getByRole("cell", { name: "cell 0" }).boundingBox();
    expect(cell?.height).toBeLessThan(2 * lineHeightPx);
    expect(await widthOf(page)).toBe(1360);
    expect(await axeViolations(page)).toEqual([]);
  });

  it("shows Markdown that takes longer to read than the clock to move", async () => {
    const page = await open(`/runs/${await endedRun("slowly")}`);
    const items = section(page, "Artifacts").locator("li");
    await items.nth(649).waitFor({ state: "attached" });
    expect(opened?.faults).toEqual(NO_FAULTS);
  });

  it("shows Markdown as it was written when what reads it is no longer served", async () => {
    const runId = await endedRun("wordy");
    const page = await open("/runs");
    await keyIsKept(page);
    await page.route("**/assets/markdown-*.js", (route) => route.fulfill({ status: 404 }));
    await Promise.all([
      page.waitForResponse("**/assets/markdown-*.js"),
      page.goto(`${plane.apiUrl}/runs/${runId}`),
    ]);
    await section(page, "Artifacts").getByText("AT&amp;T").waitFor();
    await page.getByRole("button", { name: /^Unlocked/ }).click();
    await section(page, "Artifacts").getByText("sealed ·").first().waitFor();
    expect(await page.getByText("This page failed").count()).toBe(0);
  });

  it("offers every flow as a filter, however many there are", async () => {
    const page = await open("/runs");
    await page.route("**/v1/flows?*", async (route) => {
      const isFirst = !new URL(route.request().url()).searchParams.has("cursor");
      const response = await route.fetch({ url: `${plane.apiUrl}/v1/flows?limit=1` });
      const { items } = (await response.json()) as { items: { name: string }[] };
      const name = isFirst ? "on-page-one" : "on-page-two";
      const page = { items: [{ ...items[0], name }], nextCursor: isFirst ? "more" : null };
      await route.fulfill({ response, json: page });
    });
    await page.reload();
    await page.getByRole("option", { name: "on-page-two" }).waitFor({ state: "attached" });
    expect(await page.getByRole("option", { name: "on-page-one" }).count()).toBe(1);
  });

  describe("on runs that nobody takes", () => {
    let runIds: readonly [string, string];
    beforeAll(async () => {
      await plane.cliOk(["pool", "create", "nobody"]);
      await plane.cliOk(["deploy", "flows/in-use.ts", "--pool", "nobody"]);
      runIds = [await plane.trigger("waiting"), await plane.trigger("waiting")];
    });
    const question = (page: Page): Locator => page.getByRole("group", { name: "Cancel this run?" });

    it("asks nothing of one run what was asked of another", async () => {
      const page = await open(`/runs/${runIds[0]}`);
      await page.getByRole("button", { name: "Cancel run" }).waitFor();
      await page.getByRole("link", { name: "Runs" }).first().click();
      await page.getByRole("link", { name: `Run ${runIds[1].slice(-8)}` }).click();
      await page.getByRole("button", { name: "Cancel run" }).click();
      await question(page).waitFor();
      await page.evaluate(() => history.go(-2));
      await page.waitForURL(`**/runs/${runIds[0]}`);
      await page.getByRole("button", { name: "Cancel run" }).waitFor();
      expect(await question(page).count()).toBe(0);
    });

    it("cancels on the second answer, not on a double click, and by keyboard alone", async () => {
      const [runId] = runIds;
      const page = await open(`/runs/${runId}`);
      const cancel = page.getByRole("button", { name: "Cancel run" });
      await cancel.dblclick({ position: { x: 8, y: 8 } });
      await question(page).waitFor();
      expect((await plane.read(runId)).state.type).toBe("SCHEDULED");

      await page.getByRole("button", { name: "No" }).press("Enter");
      expect(await hasFocus(cancel)).toBe(true);
      await cancel.press("Enter");
      expect(await hasFocus(question(page))).toBe(true);
      await page.getByRole("button", { name: "Yes, cancel it" }).press("Enter");
      await page.getByRole("heading", { name: "waiting" }).waitFor();
      await plane.reaches(runId, "Cancelled");
      await section(page, "Facts").getByText("none", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Cancel run" }).waitFor({ state: "detached" });
      expect(await hasFocus(page.getByRole("main"))).toBe(true);
      expect(opened?.faults).toEqual(NO_FAULTS);
    });
  });
});
