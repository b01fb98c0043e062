import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Run, StateName } from "@downbeat/contract";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { axeViolations } from "./axe-violations.ts";
import { keyIsKept, openPage, startBrowser, type OpenPage } from "./browser.ts";
import { Plane } from "./plane.ts";
import type { RunningProcess } from "./process.ts";

const require = createRequire(import.meta.url);

const SECRET = "marker-parameter-page-4b1d";
const PASSPHRASE = "five words are quite enough";
const NO_FAULTS = { consoleErrors: [], cspViolations: [], foreignRequests: [] };

describe("the page", () => {
  let plane: Plane;
  let agent: RunningProcess | undefined;
  let browser: Browser;
  let keyFile: string;
  let completed: Run;
  let failed: Run;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    plane = await Plane.create();
    await plane.startApi();
    const config = `{ deployments: { markers: {}, "markers/open": { hostTransit: true } } }`;
    await writeFile(join(plane.project, "downbeat.config.mjs"), `export default ${config};`);
    await plane.setUp();
    agent = await plane.startAgent();
    completed = await run("Completed", { secret: SECRET });
    failed = await run("Failed", { secret: SECRET, fail: true });
    keyFile = await plane.keyFile();
    browser = await startBrowser(inject("chromiumPath"));
  });

  afterAll(async () => {
    await browser?.close();
    await agent?.kill("SIGTERM");
    await plane?.dispose();
  });

  async function run(ending: StateName, parameters: object): Promise<Run> {
    const runId = await plane.trigger("markers", parameters);
    await plane.reaches(runId, ending);
    return plane.read(runId);
  }

  /** Opens a path of the page; with a key, by a link as `downbeat dev` prints it. */
  async function open(
    path: string,
    options: { key: boolean; colorScheme?: "light" | "dark" },
  ): Promise<OpenPage> {
    const url = `${plane.apiUrl}${path}#${await fragment(options)}`;
    opened = await openPage(browser, { url, colorScheme: options.colorScheme ?? "light" });
    return opened;
  }

  async function fragment({ key }: { key: boolean }): Promise<string> {
    const keyset = (await readFile(keyFile)).toString("base64url");
    return `t=${plane.apiKey}${key ? `&k=${keyset}` : ""}`;
  }

  async function close(): Promise<void> {
    await opened?.close();
    opened = undefined;
  }

  it("says of a run that its parameters were sent in clear", async () => {
    const grant = { grant: "api_key", apiKey: plane.apiKey } as const;
    const { accessToken } = await plane.client().call("exchangeToken", { body: grant });
    const response = await fetch(`${plane.apiUrl}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
      body: `{ "flowName": "markers", "deploymentName": "open", "parameters": { "secret": "a" } }`,
    });
    const { id } = (await response.json()) as Run;
    const { page, faults } = await open(`/runs/${id}`, { key: false });
    await page.getByRole("region", { name: "Parameters" }).getByText("host-transit").waitFor();
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("lists the runs, and opens one with its tasks, parameters and log lines", async () => {
    const { page, faults } = await open("/runs", { key: true });
    await page.getByRole("link", { name: `Run ${completed.id.slice(-8)} of markers` }).click();
    await page.getByRole("heading", { name: "markers" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/runs/${completed.id}`);
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
    await page.getByRole("region", { name: "Parameters" }).getByText(SECRET).waitFor();
    await page.getByRole("region", { name: "Task runs" }).getByText("shout").waitFor();
    await page.getByRole("region", { name: "History" }).getByText("The flow returned.").waitFor();
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("shows a failure's class first, then its message and cause", async () => {
    const { page, faults } = await open(`/runs/${failed.id}`, { key: true });
    const error = page.getByRole("region", { name: "Error" });
    await error.getByText("TypeError", { exact: true }).waitFor();
    await error.getByText(`marker-error-c4417e ${SECRET}`).first().waitFor();
    await error.getByText("marker-cause-0aa6d2").first().waitFor();
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("takes the secrets out of the address, and keeps none where it can be read", async () => {
    const { page } = await open(`/runs/${completed.id}`, { key: true });
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
    expect(new URL(page.url()).hash).toBe("");
    const { privateJwk, authKey, indexKey } = JSON.parse(await readFile(keyFile, "utf8")) as {
      privateJwk: { d: string };
      authKey: string;
      indexKey: string;
    };
    const stored = await page.evaluate(() =>
      JSON.stringify([localStorage, sessionStorage, document.cookie, history.state]),
    );
    for (const secret of [privateJwk.d, authKey, indexKey, SECRET]) {
      expect(stored).not.toContain(secret);
    }
    await close();
  });

  it("takes a link that is pasted into an open tab, and removes its secrets as well", async () => {
    const { page } = await open(`/runs/${completed.id}`, { key: false });
    await page.getByText("The log is sealed").waitFor();
    await page.evaluate((link) => location.assign(link), `#${await fragment({ key: true })}`);
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
    expect(new URL(page.url()).hash).toBe("");
    await close();
  });

  it("stays sealed without the key, opens with the key file, and closes when locked", async () => {
    const { page, faults } = await open(`/runs/${failed.id}`, { key: false });
    await page.getByText("The log is sealed").waitFor();
    await page.getByRole("region", { name: "Error" }).getByText("sealed ·").waitFor();
    expect(await page.content()).not.toContain(SECRET);

    await page.getByRole("button", { name: "Locked" }).click();
    await page.getByLabel("Key file").setInputFiles(keyFile);
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();

    await page.getByRole("button", { name: /^Unlocked/ }).click();
    await page.getByText("The log is sealed").waitFor();
    expect(await page.content()).not.toContain(SECRET);
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("opens with an exported key and its passphrase, and says when that does not fit", async () => {
    const exported = await plane.cli(["key", "export", "--json"], {}, `${PASSPHRASE}\n`);
    const { keyset } = JSON.parse(exported.stdout) as { keyset: string };
    const { page, faults } = await open(`/runs/${completed.id}`, { key: false });
    await page.getByRole("button", { name: "Locked" }).click();
    const file = { name: "exported.jwe", mimeType: "text/plain", buffer: Buffer.from(keyset) };
    await page.getByLabel("Key file").setInputFiles(file);
    await page.getByLabel("Passphrase").fill("not what it was");
    await page.getByRole("button", { name: "Unlock", exact: true }).click();
    await page.getByRole("alert").getByText("The passphrase does not open this keyset").waitFor();
    await page.getByLabel("Passphrase").fill(PASSPHRASE);
    await page.getByRole("button", { name: "Unlock", exact: true }).click();
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("groups failures by kind while it is locked", async () => {
    const { page, faults } = await open("/runs", { key: false });
    await page.getByText("One kind of failure among these runs").click();
    const kinds = page.getByRole("table", { name: "Failures by kind" });
    await kinds.getByRole("link", { name: "TypeError" }).waitFor();
    expect(await kinds.textContent()).toContain(failed.error?.fingerprint?.slice(0, 8));
    expect(faults).toEqual(NO_FAULTS);
    await close();
  });

  it("is the same when this machine serves it, and everything it asks for goes through here", async () => {
    const ui = plane.startCli(["ui", "--port", "0", "--unlocked", "--json"]);
    const [, url = ""] = await ui.waitForOutput(/"url": "([^"]+)"/, 30_000);
    expect(new URL(url).origin).not.toBe(plane.apiUrl);
    opened = await openPage(browser, { url });
    const { page, faults } = opened;
    await page.getByRole("link", { name: `Run ${completed.id.slice(-8)} of markers` }).click();
    await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
    expect(faults).toEqual(NO_FAULTS);
    await close();
    expect(await ui.kill("SIGINT")).toBe(0);
  });

  it("is small: the scripts that it begins with fit in 200 kB, compressed", async () => {
    const folder = join(dirname(require.resolve("@downbeat/dashboard/package.json")), "dist");
    const index = await readFile(join(folder, "index.html"), "utf8");
    const scripts = [...index.matchAll(/"\/(assets\/[^"]+\.js)"/g)].map(([, name = ""]) => name);
    const sizes = scripts.map(async (name) => gzipSync(await readFile(join(folder, name))).length);
    const totalBytes = (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
    expect(totalBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeLessThan(200_000);
  });

  it("refuses a file that is no key, and says why", async () => {
    const { page } = await open("/runs", { key: false });
    await page.getByRole("button", { name: "Locked" }).click();
    const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") };
    await page.getByLabel("Key file").setInputFiles(file);
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain('"notes.txt" is not a key file');
    await close();
  });

  it.each(["light", "dark"] as const)(
    "passes the accessibility rules in %s",
    async (colorScheme) => {
      const { page } = await open("/runs", { key: true, colorScheme });
      await page.getByRole("link", { name: /^Run / }).first().waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await keyIsKept(page);
      await page.goto(`${plane.apiUrl}/runs/${failed.id}`);
      await page.getByText(`marker-log-7d20be says ${SECRET}`).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await close();
    },
  );
});
