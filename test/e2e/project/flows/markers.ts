import { mkdir, writeFile } from "node:fs/promises";
import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";

const SOURCE_MARKER = "marker-source-5f1c9a";

const shout = task({ name: "shout" }, async (secret: string) => {
  log.info(`marker-log-7d20be says ${secret}`, { field: "marker-field-91c2aa" });
  console.log("marker-stdout-3b8e10");
  return `marker-result-${secret}`;
});

/** Carries a marker in everything a customer would not want to see leave. */
export const markers = flow(
  {
    name: "markers",
    parameters: z.object({ secret: z.string(), fail: z.boolean().default(false) }),
  },
  async ({ secret, fail }) => {
    const result = await shout(secret);
    await mkdir("results", { recursive: true });
    await writeFile("results/markers.txt", `${result} ${SOURCE_MARKER.length}`);
    if (fail)
      throw new TypeError(`marker-error-c4417e ${secret}`, {
        cause: new Error("marker-cause-0aa6d2"),
      });
    return result;
  },
);
