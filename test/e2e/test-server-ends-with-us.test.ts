import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { waitFor } from "@downbeat/testkit";
import pg from "pg";
import { expect, it } from "vitest";

const PROGRAM = `
  import { startPostgres } from "@downbeat/testkit/postgres-server";
  const { url } = await startPostgres({ own: true });
  process.stdout.write(url, () => process.kill(process.pid, "SIGKILL"));
`;

it("ends the test server and removes its data even when the tests are killed outright", async () => {
  const temporary = await mkdtemp(path.join(tmpdir(), "downbeat-killed-"));
  await chmod(temporary, 0o755);
  const tests = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    cwd: path.join(import.meta.dirname, ".."),
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let url = "";
  tests.stdout.on("data", (chunk: Buffer) => (url += chunk.toString()));
  const [, signal] = (await once(tests, "close")) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
  expect(url).toMatch(/^postgres:/);

  await waitFor(async () => (await readdir(temporary)).length === 0, {
    deadlineMs: 15_000,
    describe: "the data to be removed",
  });
  await expect(new pg.Client({ connectionString: url }).connect()).rejects.toThrow("ECONNREFUSED");
  await rm(temporary, { recursive: true });
});
