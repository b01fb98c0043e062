import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Client } from "@downbeat/client";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { Browser } from "playwright-core";
import { openPage, startBrowser } from "../../e2e/browser.ts";
import type * as chromium from "../../install-chromium.mjs";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";

const TIMES = 20;
const BYTES_PER_KB = 1000;
/** Scripts that the page begins with may weigh no more, compressed. */
const MOST_KB = 200;

/**
 * From asking for the page of a run of 10,000 task runs until they can be used, in a browser that has nothing stored: the tasks are listed,
 * and one that is opened shows its runs. The limit is the same for a run of one task run.
 */
export async function dashboardOpen(database: BenchDatabase): Promise<Figure> {
  const plane = await BenchPlane.start(await database.fresh());
  const browser = await startBrowser(await chromiumPath());
  try {
    await plane.startAgent(1);
    const client = plane.client();
    const large = await ended(client, "many-tasks");
    const small = await ended(client, "one-task");
    const [largeMs, smallMs]: [number[], number[]] = [[], []];
    for (let time = -2; time < TIMES; time += 1) {
      const [ofLarge, ofSmall] = [
        await open(browser, plane, large),
        await open(browser, plane, small),
      ];
      if (time < 0) continue; // warm-up
      largeMs.push(ofLarge);
      smallMs.push(ofSmall);
    }
    const limit = quantile(
      smallMs.toSorted((a, b) => a - b),
      0.5,
    );
    return latencyFigure("dashboard_open", 0.5, largeMs, limit);
  } finally {
    await browser.close();
    await plane.stop();
  }
}

// JavaScript, so it stays where it is when this is compiled.
async function chromiumPath(): Promise<string> {
  const url = pathToFileURL(join(import.meta.dirname, "../../../install-chromium.mjs"));
  const { ensureChromium } = (await import(url.href)) as typeof chromium;
  return ensureChromium();
}

async function ended(client: Client, flowName: string): Promise<string> {
  const { id: runId } = await client.call("createRun", { body: { flowName } });
  await waitFor(
    async () => (await client.call("readRun", { params: { runId } })).state.type === "COMPLETED",
    { deadlineMs: 120_000, intervalMs: 100, describe: `the end of a run of ${flowName}` },
  );
  return runId;
}

async function open(browser: Browser, plane: BenchPlane, runId: string): Promise<number> {
  const url = `${plane.apiUrl}/runs/${runId}#t=${plane.apiKey}`;
  const opened = await openPage(browser, { url });
  const openMs = await opened.page.evaluate(untilUsable);
  const { consoleErrors } = opened.faults;
  await opened.close();
  if (consoleErrors.length > 0) throw new Error(`The page failed: ${consoleErrors[0]}`);
  return openMs;
}

/**
 * Runs in the page: asked from outside, it would be looked at every half second, and computing the names of its rows took a fifth of its time.
 *
 * @returns ms from asking for the page until the rows of its first task are drawn
 */
async function untilUsable(): Promise<number> {
  const section = 'section[aria-label="Task runs"]';
  const appears = async (selector: string): Promise<HTMLElement> => {
    const find = () => document.querySelector<HTMLElement>(`${section} ${selector}`);
    return new Promise((resolve, reject) => {
      setTimeout(
        () => reject(new Error(`${selector} did not appear: ${document.body.innerText}`)),
        30_000,
      );
      const observer = new MutationObserver(() => look());
      const look = () => {
        const found = find();
        if (found === null) return;
        observer.disconnect();
        resolve(found);
      };
      observer.observe(document, { childList: true, subtree: true });
      look();
    });
  };
  const first = await appears("tbody tr");
  const group = first.querySelector<HTMLElement>("button[aria-expanded=false]");
  group?.click();
  if (group !== null) await appears("tbody tr:nth-child(2)");
  // After the next frame what was put in is drawn.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now();
}

/** Scripts that the page begins with, compressed. The limit is what one may weigh. */
export async function dashboardJs(): Promise<Figure> {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("@downbeat/dashboard/package.json")), "dist");
  const index = await readFile(join(folder, "index.html"), "utf8");
  const names = [...index.matchAll(/"\/(assets\/[^"]+\.js)"/g)].map(([, name = ""]) => name);
  const sizes = names.map(async (name) => gzipSync(await readFile(join(folder, name))).length);
  const totalKb = (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0) / BYTES_PER_KB;
  return { ...latencyFigure("dashboard_js", 0.5, [totalKb], MOST_KB), unit: "kB", n: names.length };
}
