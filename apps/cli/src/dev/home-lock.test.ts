import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockHome } from "./home-lock.ts";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "downbeat-lock-"));
});

afterEach(() => rm(home, { recursive: true, force: true }));

describe("lockHome", () => {
  it("refuses a second supervisor of the same home and names the first", async () => {
    const lock = await lockHome(home);
    await expect(lockHome(home)).rejects.toMatchObject({
      code: "data_directory_in_use",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await lock.release();
    await expect(lockHome(home)).resolves.toBeDefined();
  });

  it("takes over the lock of a process that is gone", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(join(home, "dev.lock"), JSON.stringify({ pid: child.pid, startedAt: "1" }));
    await expect(lockHome(home)).resolves.toBeDefined();
  });

  it.runIf(process.platform === "linux")(
    "is not fooled by another process with the same id",
    async () => {
      await writeFile(join(home, "dev.lock"), JSON.stringify({ pid: process.pid, startedAt: "1" }));
      await expect(lockHome(home)).resolves.toBeDefined();
    },
  );

  it("takes over a lock that was never written whole", async () => {
    await writeFile(join(home, "dev.lock"), "{");
    await expect(lockHome(home)).resolves.toBeDefined();
  });
});
