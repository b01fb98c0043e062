import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { flow, runContext, runDeployment } from "@downbeat/sdk";
import { z } from "zod";

const FOLDER = process.env["E2E_FOLDER"] ?? ".";

/** Leaves a line, and fails as long as it is asked to. */
export const child = flow(
  { name: "child", parameters: z.object({ note: z.string(), failsUntil: z.string().optional() }) },
  async ({ note, failsUntil }) => {
    await appendFile(join(FOLDER, "children"), `${note}\n`);
    if (failsUntil !== undefined && !(await exists(failsUntil))) throw new Error("not yet");
  },
);

/** Waits for two children at once and says how they ended. */
export const parent = flow({ name: "parent" }, async () => {
  const ended = await Promise.all([
    runDeployment("child", { parameters: { note: "one" }, tags: ["from-parent"] }),
    runDeployment({ flow: "child" }, { parameters: { note: "two", failsUntil: "never" } }),
  ]);
  await appendFile(join(FOLDER, "parent"), `${ended.map(({ state }) => state.type).join(" ")}\n`);
});

/** Dies after it has triggered a child; the next attempt comes to the same call. */
export const parentDiesOnce = flow({ name: "parent-dies-once" }, async () => {
  const { runId } = await runDeployment("child", { parameters: { note: "once" }, wait: false });
  await appendFile(join(FOLDER, "dies-once"), `${runId}\n`);
  if (runContext().run?.attempt === 1) process.kill(process.pid, "SIGKILL");
});

/** Fails as long as its child does; the child that failed is not asked again. */
export const parentOfFailing = flow(
  { name: "parent-of-failing", retries: 1, retryDelay: 1 },
  async () => {
    const { state, runId } = await runDeployment("child", {
      parameters: { note: "failing", failsUntil: "mended" },
    });
    await appendFile(join(FOLDER, "of-failing"), `${runId} ${state.type}\n`);
    await appendFile(join(FOLDER, "mended"), "yes");
    if (state.type !== "COMPLETED") throw new Error(`the child ended as ${state.name}`);
  },
);

/** Gives its child what the child's schema refuses. */
export const parentOfRefused = flow({ name: "parent-of-refused" }, async () => {
  await runDeployment("child", { parameters: { note: 7 } }).catch(async (error: Error) => {
    await appendFile(join(FOLDER, "refused"), `${error.message}\n`);
  });
});

/** Waits for a child that waits at a gate. */
export const parentOfGated = flow({ name: "parent-of-gated" }, async () => {
  await runDeployment("gated", { parameters: { gate: "child-gate" } });
});

async function exists(name: string): Promise<boolean> {
  return (await readFile(join(FOLDER, name), "utf8").catch(() => "")) !== "";
}
