import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { flow, log, pause, runContext, suspend, type Hook } from "@downbeat/sdk";
import { z } from "zod";

const FOLDER = process.env["E2E_FOLDER"] ?? ".";

/** Dies in its first attempt, without a word. */
const onCrashed: Hook = ({ state, attempt, error }) =>
  log.warn(`${state.name} in attempt ${attempt}`, { error });
export const diesOnce = flow({ name: "dies-once", onCrashed }, async () => {
  if (runContext().run?.epoch === 1) process.kill(process.pid, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 10));
});

const approval = z.object({ approved: z.boolean(), note: z.string().default("marker-default") });

/** Waits for a person, in its process. */
export const asks = flow({ name: "asks" }, async () => {
  const given = await pause({ key: "approval", input: approval });
  await appendFile(join(FOLDER, "asks.given"), `${JSON.stringify(given)} ${process.pid}\n`);
});

/** Lets its process go while it waits, twice. */
export const suspends = flow({ name: "suspends" }, async () => {
  const first = await suspend({ key: "approval", input: approval });
  await appendFile(join(FOLDER, "suspends.given"), `first ${first.note}\n`);
  const second = await suspend({ key: "approval", input: approval });
  await appendFile(join(FOLDER, "suspends.given"), `second ${second.note}\n`);
});

/** Never gives its thread back. */
export const spins = flow({ name: "spins" }, async () => {
  await appendFile(join(FOLDER, "spins.pids"), `${process.pid}\n`);
  for (;;);
});
