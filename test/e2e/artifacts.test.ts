import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactDetail } from "@downbeat/contract";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { axeViolations } from "./axe-violations.ts";
import { openPage, startBrowser, type OpenPage } from "./browser.ts";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

// The smallest picture there is.
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const FLOW = `
import { artifact, flow, metric, progress, task, directoryStorage } from "@downbeat/sdk";
const weigh = task({ name: "weigh", persist: { storage: directoryStorage("kept") } }, async () => {
  for (let done = 0; done <= 10_000; done += 1) progress(done, 10_000, "hush-label");
  return "hush-result";
});
export const shows = flow({ name: "shows", persist: { storage: directoryStorage("kept") } }, async () => {
  artifact.markdown("summary", "**hush-bold** and [a link](https://x.test/) <img src=x onerror=alert(1)>");
  artifact.table("rows", [{ name: "hush-cell", mm: 1.5 }], { title: "hush-title" });
  artifact.link("board", "https://board.test/hush", { text: "hush-link" });
  artifact.image("dot", Buffer.from("${PNG}", "base64"), { alt: "hush-picture" });
  metric("rows", 42.5);
  return weigh();
});
`;

describe("what a run shows", () => {
  let plane: Plane;
  let agent: RunningProcess | undefined;
  let browser: Browser;
  let runId: string;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    plane = await Plane.create();
    await writeFile(join(plane.project, "flows/shows.ts"), FLOW);
    await plane.startApi();
    await plane.setUp();
    agent = await plane.startAgent();
    runId = await plane.trigger("shows");
    await plane.reaches(runId, "Completed");
    browser = await startBrowser(inject("chromiumPath"));
  });

  afterAll(async () => {
    await opened?.close();
    await browser?.close();
    await agent?.kill("SIGTERM");
    await plane?.dispose();
  });

  async function open(key: boolean): Promise<OpenPage> {
    await opened?.close();
    const keyset = await readFile(await plane.keyFile());
    const fragment = `t=${plane.apiKey}${key ? `&k=${keyset.toString("base64url")}` : ""}`;
    opened = await openPage(browser, { url: `${plane.apiUrl}/runs/${runId}#${fragment}` });
    return opened;
  }

  it("is listed on the command line, opened with the key, and as sealed without it", async () => {
    const { stdout } = await plane.cliOk(["runs", "artifacts", runId]);
    for (const text of [
      "rows    42.5",
      "hush-bold",
      "hush-title",
      "hush-cell  1.5",
      "image/png, 70 bytes",
    ])
      expect(stdout).toContain(text);
    expect(stdout).toContain("100 %  10000 of 10000  hush-label");
    const shown = await plane.cliJson<{ artifacts: { opened: { value: ArtifactDetail } }[] }>([
      "runs",
      "artifacts",
      runId,
    ]);
    expect(shown.artifacts.map((one) => one.opened.value.key)).toEqual([
      "summary",
      "rows",
      "board",
      "dot",
      "progress of weigh #0",
    ]);
    const locked = await plane.cliOk(["runs", "artifacts", runId], {
      DOWNBEAT_HOME: plane.folder,
      DOWNBEAT_API_URL: plane.apiUrl,
      DOWNBEAT_API_KEY: plane.apiKey,
    });
    expect(locked.stdout).toContain("rows    42.5");
    expect(locked.stdout.match(/artifact {2}sealed \(/g)).toHaveLength(5);
    expect(locked.stdout).not.toContain("hush");
  });

  it("says where results are kept, and not what they are", async () => {
    const { stdout } = await plane.cliOk(["runs", "view", runId]);
    expect(stdout).toMatch(/^result +file:\/\/\S+\/kept\/\S+ \(json, \d+ bytes\)$/m);
    expect(stdout).toMatch(/weigh #0 .* file:\/\/\S+\/kept\/\S+ \(json, \d+ bytes\)$/m);
    expect(stdout).not.toContain("hush");
  });

  it("stands on its page, each in its form, and nothing in it runs or is loaded", async () => {
    const { page, faults } = await open(true);
    const artifacts = page.getByRole("region", { name: "Artifacts" });
    await artifacts.getByText("hush-bold").waitFor();
    await artifacts.getByText("<img src=x onerror=alert(1)>").waitFor();
    await artifacts.getByRole("cell", { name: "hush-cell" }).waitFor();
    const link = artifacts.getByRole("link", { name: "hush-link" });
    expect(await link.getAttribute("href")).toBe("https://board.test/hush");
    expect(await link.getAttribute("rel")).toContain("noopener");
    const image = artifacts.getByRole("img", { name: "hush-picture" });
    expect(await image.evaluate((it) => (it as HTMLImageElement).naturalWidth)).toBe(1);
    const bar = artifacts.getByRole("progressbar");
    expect(await bar.evaluate((it) => (it as HTMLProgressElement).value)).toBe(10_000);
    await page.getByRole("region", { name: "Metrics" }).getByText("42.5").waitFor();
    expect(faults).toEqual({ consoleErrors: [], cspViolations: [], foreignRequests: [] });
    expect(await axeViolations(page)).toEqual([]);
  });

  it("stays sealed on its page without the key, but for metrics", async () => {
    const { page } = await open(false);
    const artifacts = page.getByRole("region", { name: "Artifacts" });
    await artifacts.getByText("sealed ·").nth(4).waitFor();
    await page.getByRole("region", { name: "Metrics" }).getByText("42.5").waitFor();
    expect(await page.content()).not.toContain("hush");
  });

  it("says so when an artifact was altered on its way", async () => {
    const { page } = await open(true);
    await page.getByText("hush-bold").waitFor();
    await page.route("**/artifacts?*", async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { items: { detail: string }[] };
      const first = body.items[0];
      if (first !== undefined) first.detail = altered(first.detail);
      await route.fulfill({ response, json: body });
    });
    await page.reload();
    await page.getByText("artifact was altered").waitFor();
    await page.getByText("hush-title").waitFor();
    expect(await page.content()).not.toContain("hush-bold");
  });
});

/** The same blob with another bit in its ciphertext. */
function altered(blob: string): string {
  const parts = blob.split(".");
  const [head = "", ...rest] = parts[3] ?? "";
  return parts.with(3, (head === "A" ? "B" : "A") + rest.join("")).join(".");
}
