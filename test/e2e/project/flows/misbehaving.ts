import { spawn } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { flow, log, task } from "@downbeat/sdk";

const FOLDER = process.env["E2E_FOLDER"] ?? ".";

export const throwsText = flow({ name: "throws-text" }, async () => {
  throw "just text";
});

export const exitsEarly = flow({ name: "exits-early" }, async () => {
  log.info("about to exit");
  process.exit(3);
});

export const neverReturns = flow({ name: "never-returns" }, async () => {
  await new Promise(() => {});
});

export const exhaustsMemory = flow({ name: "exhausts-memory" }, async () => {
  const hoard: unknown[][] = [];
  for (;;) hoard.push(Array.from({ length: 100_000 }, () => ({})));
});

/** Ignores the polite request to stop, and has a child of its own. */
export const stubborn = flow({ name: "stubborn" }, async () => {
  process.on("SIGTERM", () => {});
  const grandchild = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    stdio: "ignore",
  });
  await appendFile(join(FOLDER, "stubborn.pids"), `${process.pid} ${grandchild.pid}\n`);
  for (;;) await new Promise((resolve) => setTimeout(resolve, 50));
});

let tries = 0;
const flaky = task({ name: "flaky", retries: 2, retryDelay: 10 }, async () => {
  tries += 1;
  if (tries < 3) throw new Error("not yet");
});

export const recovers = flow({ name: "recovers" }, async () => {
  tries = 0;
  await flaky();
});
