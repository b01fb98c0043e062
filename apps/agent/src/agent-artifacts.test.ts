import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EgressEntry } from "@downbeat/contract";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { artifact, flow, metric, progress, task } from "@downbeat/sdk";
const load = task({ name: "load" }, async () => {
  for (let done = 0; done <= 50_000; done += 1) progress(done, 50_000, "hush-label");
});
export const shows = flow({ name: "shows" }, async () => {
  artifact.markdown("hush-key", "hush-text", { title: "hush-title" });
  metric("rows", 4.5);
  await load();
  artifact.link("docs", "https://hush.test/");
});
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

test("what a flow shows is delivered sealed, in its last version, before its end; metrics in clear; all on record", async () => {
  const { config, offer, artifacts, plane } = await anAgentWorld(FLOWS, { concurrency: 1 });
  cleanUp.push(() => plane.close());
  const agent = await startAgent(config);
  cleanUp.push(() => agent.kill());
  const run = await offer("shows");
  await vi.waitUntil(() => run.type === "COMPLETED", { timeout: 20_000 });
  expect(await artifacts(run)).toMatchObject([
    { key: "hush-key", title: "hush-title", content: { type: "markdown", text: "hush-text" } },
    { key: "progress of load #0", content: { done: 50_000, label: "hush-label" } },
    { key: "docs", content: { type: "link", url: "https://hush.test/" } },
  ]);
  const metrics = run.shown.filter(({ kind }) => kind === "metric");
  expect(metrics).toMatchObject([{ name: "rows", value: 4.5 }]);
  expect(run.shown.length).toBeLessThan(8);
  const sequences = run.shown.map(({ sequence }) => sequence);
  expect(new Set(sequences).size).toBe(sequences.length);
  expect(JSON.stringify(run.shown)).not.toContain("hush");
  const sent = ledgerOf(config.home).filter(({ route }) => route === "report");
  const fields = sent.flatMap((entry) => entry.fields);
  expect(fields).toContainEqual(
    expect.objectContaining({ path: "body.items[].detail", boundary: "sealed" }),
  );
  expect(fields).toContainEqual(
    expect.objectContaining({ path: "body.items[].value", boundary: "plain" }),
  );
  expect(JSON.stringify(sent)).not.toContain("unlabelled");
});

function ledgerOf(home: string): EgressEntry[] {
  const directory = join(home, "agents/test/egress");
  const lines = readdirSync(directory).flatMap((file) =>
    readFileSync(join(directory, file), "utf8").trimEnd().split("\n"),
  );
  return lines.map((line) => EgressEntry.parse(JSON.parse(line)));
}
