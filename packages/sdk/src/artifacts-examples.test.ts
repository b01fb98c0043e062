import { expect, test } from "vitest";
import { artifact, flow, metric, progress, task } from "./index.ts";
import { testFlow } from "./testing/index.ts";

// The code block of docs/sdk.md about artifacts stands here. `docs.test.ts` holds the two together.

// #region artifacts
const readRegion = task({ name: "read-region" }, async (region: string) => {
  const days = Array.from({ length: 30 }, (_, day) => ({
    day: day + 1,
    sold: region.length * day,
  }));
  for (const { day } of days) progress(day, days.length, `day ${day}`);
  return { region, total: days.reduce((sum, { sold }) => sum + sold, 0) };
});

export const salesReport = flow({ name: "sales-report" }, async () => {
  const regions = await Promise.all(["north", "south"].map((region) => readRegion(region)));
  artifact.table("by-region", regions, { title: "Sales by region" });
  artifact.markdown("summary", `**${regions.length}** regions, see [the board](https://x.test/).`);
  artifact.link("spreadsheet", "https://sheets.example/2026-03", { text: "March" });
  metric("regions", regions.length); // in clear
});
// #endregion

test("a test sees what a run shows", async () => {
  const run = await testFlow(() => salesReport());
  expect(run.metrics).toEqual({ regions: 2 });
  expect(run.artifacts.map(({ key }) => key)).toEqual([
    "progress of read-region #0",
    "progress of read-region #1",
    "by-region",
    "summary",
    "spreadsheet",
  ]);
  expect(run.artifacts[0]?.content).toEqual({
    type: "progress",
    done: 30,
    total: 30,
    label: "day 30",
  });
  expect(run.artifacts[2]?.content).toMatchObject({
    rows: [
      ["north", 2_175],
      ["south", 2_175],
    ],
  });
});
