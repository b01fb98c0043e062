import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow, log } from "./index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

// The code blocks of "Hooks" in docs/sdk.md stand here, so that they compile and run.

beforeAll(() => void vi.stubEnv("DOWNBEAT_RECORD", "off"));
afterAll(() => void vi.unstubAllEnvs());

// #region hooks
const told: string[] = [];
export const nightly = flow(
  {
    name: "nightly",
    concurrency: 10,
    onFailed: ({ name, state, error }) => told.push(`${name} ${state.name}: ${String(error)}`),
  },
  async () => {
    throw new Error("no disk");
  },
);
// #endregion

test("hooks: a failure is told", async () => {
  await expect(nightly()).rejects.toThrow("no disk");
  expect(told).toEqual(["nightly Failed: Error: no disk"]);
});

// #region crash-hook
const lock = join(tmpdir(), "downbeat-import.lock");
export const importAll = flow(
  {
    name: "import-all",
    onCrashed: async ({ attempt, error }) => {
      await rm(lock, { force: true });
      log.error("the lock of the attempt that died is gone", { attempt, error });
    },
  },
  async () => {
    await writeFile(lock, String(process.pid));
    // …
    await rm(lock);
  },
);
// #endregion

test("crash-hook: what the dead process has left is taken away", async () => {
  await writeFile(lock, "1");
  const host = new RecordingHost("import-all");
  await importAll[FLOW].crashed?.({ class: "OutOfMemory", message: "too much" }, host);
  expect(host.logs).toMatchObject([{ level: "error", fields: { attempt: 1 } }]);
  expect(existsSync(lock)).toBe(false);
});
