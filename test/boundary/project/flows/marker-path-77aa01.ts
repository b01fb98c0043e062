import { mkdir, writeFile } from "node:fs/promises";
import { artifact, flow, log, metric, pause, progress, task } from "@downbeat/sdk";
import { z } from "zod";

// Static text in a module travels nowhere, read or not.
export const SOURCE_TEXT = "marker-source-9a3b51";

const IMAGE_TEXT = "marker-artifact-image-d7105b";

const fetchRows = task({ name: "fetch-rows" }, async (secret: string) => {
  log.info(`marker-log-text-42c7d0 ${secret}`, { row: { cell: "marker-log-field-5e61fa" } });
  console.log("marker-stdout-c03d9e");
  console.error("marker-stderr-71fb24");
  progress(1, 2, "marker-progress-label-0d84b2");
  return { rows: [`marker-task-result-88d3c6 ${secret}`] };
});

const breaks = task({ name: "breaks", retries: 1, retryDelay: 1 }, async () => {
  throw new RangeError("marker-task-error-2b7f60");
});

const Input = z.object({ note: z.string() });

/** Handles a marker wherever customer data can be, and ends as it is told. */
export const carriesMarkers = flow(
  {
    name: "carries-markers",
    parameters: z.object({ secret: z.string(), region: z.string(), fail: z.boolean() }),
  },
  async ({ secret, region, fail }) => {
    const { rows } = await fetchRows(`${secret} ${region}`);
    log.warn(`environment: ${process.env["BOUNDARY_SECRET"] ?? "none"}`);
    const title = "marker-artifact-title-6f20c9";
    artifact.markdown("marker-artifact-key-a41e77", "marker-artifact-text-95d3f0", { title });
    artifact.table("table", [{ "marker-artifact-column-17be84": "marker-artifact-cell-e0932a" }]);
    artifact.link("link", "https://reports.test/marker-artifact-url-38c6d1");
    artifact.image("image", Buffer.from(`\x89PNG\r\n\x1a\n${IMAGE_TEXT}`, "latin1"));
    metric("rows", rows.length);
    const { note } = await pause({ key: "approval", input: Input });
    await mkdir("results", { recursive: true });
    await writeFile("results/rows.txt", `marker-result-file-6dc158 ${rows.join()} ${note}`);
    await breaks().catch(() => log.info("marker-log-after-e915b8"));
    if (fail) {
      const cause = new Error("marker-cause-30f7ab", { cause: "marker-root-cause-b16d47" });
      throw new TypeError(`marker-error-d58c92 ${secret}`, { cause });
    }
    return { rows, note, summary: "marker-flow-result-f2a80c" };
  },
);
