import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { flow, log, runContext, task } from "@downbeat/sdk";
import { z } from "zod";

const FOLDER = process.env["E2E_FOLDER"] ?? ".";

const waitForGate = task({ name: "wait-for-gate" }, async (gate: string) => {
  while (!(await isOpen(gate))) await new Promise((resolve) => setTimeout(resolve, 20));
});

/** Starts, leaves a line in a file, and goes on only when the test opens its gate. */
export const gated = flow(
  { name: "gated", parameters: z.object({ gate: z.string() }) },
  async ({ gate }) => {
    await appendFile(
      join(FOLDER, `${gate}.started`),
      `${runContext().run?.runId ?? "none"} ${process.pid}\n`,
    );
    log.info("waiting at the gate");
    await waitForGate(gate);
    await appendFile(join(FOLDER, `${gate}.passed`), "passed\n");
  },
);

async function isOpen(gate: string): Promise<boolean> {
  return (await readFile(join(FOLDER, `${gate}.open`), "utf8").catch(() => "")) !== "";
}
