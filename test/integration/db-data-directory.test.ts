import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { listRuns, openDatabase } from "@downbeat/db";
import { freePort, reserveDatabase, waitFor } from "@downbeat/testkit";
import { describe, expect, it } from "vitest";
import { aWorkspace } from "./db-fixture.ts";

const source = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

// Each opens PGlite afresh several times, which takes seconds on an idle machine.
describe("the embedded database's directory", { timeout: 180_000 }, () => {
  it("belongs to one process at a time, and is free again after closing", async () => {
    const place = await reserveDatabase("pglite");
    const options = place.options as { dataDir: string };
    const first = await openDatabase(options);
    await expect(openDatabase(options)).rejects.toMatchObject({
      code: "data_directory_in_use",
      message: `The data directory ${options.dataDir} is in use by process ${process.pid}.`,
    });
    await first.close();
    const second = await openDatabase(options);
    await second.ping();
    await second.close();
    await place.drop();
  });

  it("is taken over from a process that died, whose id may have been given away", async () => {
    const place = await reserveDatabase("pglite");
    const options = place.options as { dataDir: string };
    const stale = [
      JSON.stringify({ pid: await deadProcessId(), startedAt: "1" }),
      JSON.stringify({ pid: process.pid, startedAt: "1" }),
      '{"pid":',
    ];
    for (const content of stale) {
      await writeFile(`${options.dataDir}.lock`, content);
      const database = await openDatabase(options);
      expect(JSON.parse(await readFile(`${options.dataDir}.lock`, "utf8"))).toMatchObject({
        pid: process.pid,
      });
      await database.close();
    }
    await place.drop();
  });

  it.runIf(process.platform === "linux")(
    "is taken over from a process that died, and that nobody has buried",
    async () => {
      const place = await reserveDatabase("pglite");
      const options = place.options as { dataDir: string };
      const zombie = await aZombie();
      await writeFile(`${options.dataDir}.lock`, JSON.stringify(zombie.holder));
      const database = await openDatabase(options);
      expect(await readFile(`${options.dataDir}.lock`, "utf8")).toContain(`"pid":${process.pid},`);
      await database.close();
      zombie.bury();
      await place.drop();
    },
  );

  it("goes to one of several processes that find the same stale lock", async () => {
    const parent = await mkdtemp(path.join(tmpdir(), "downbeat-lock-"));
    const dataDir = path.join(parent, "data");
    await mkdir(dataDir);
    await writeFile(
      `${dataDir}.lock`,
      JSON.stringify({ pid: await deadProcessId(), startedAt: "1" }),
    );
    const { lockDataDirectory } = await import(
      source("../../packages/db/src/data-directory-lock.ts")
    );
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockDataDirectory(dataDir)),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await rm(parent, { recursive: true });
  });

  it("keeps every acknowledged run through SIGKILL", async () => {
    const place = await reserveDatabase("pglite");
    const options = place.options as { dataDir: string };
    const { acknowledged, workspaceId } = await createUntilKilled(options.dataDir);
    const database = await openDatabase(options);
    const { items } = await database.inWorkspace({ workspaceId }, (tx) =>
      listRuns(tx, { limit: 200 }),
    );
    const stored = new Set(items.map(({ id }) => id));
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    await database.close();
    await place.drop();
  });
});

describe("a PostgreSQL server that is not there", () => {
  it("is named in the error, without the password", async () => {
    const port = await freePort();
    const opening = openDatabase({ url: `postgres://downbeat:secret@127.0.0.1:${port}/downbeat` });
    const error: unknown = await opening.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "database_unreachable",
      message: `The database at 127.0.0.1:${port} could not be reached.`,
    });
    expect(error).toHaveProperty("cause");
    expect(JSON.stringify(error)).not.toContain("secret");
  });
});

// A process that makes runs one by one and prints each id once it is committed; killed after the twentieth.
async function createUntilKilled(
  dataDir: string,
): Promise<{ acknowledged: string[]; workspaceId: string }> {
  const database = await openDatabase({ dataDir });
  const { workspaceId } = await aWorkspace(database);
  await database.close();
  const child = spawn(process.execPath, [source("./db-create-forever.mjs"), dataDir, workspaceId], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === 20) child.kill("SIGKILL");
  }
  await ended; // its output ends before it does
  return { acknowledged, workspaceId };
}

// The shell becomes a program that knows nothing of the child that the shell has started. The child ends only then:
// a shell that is still one may bury it.
async function aZombie(): Promise<{ holder: object; bury: () => void }> {
  const parent = spawn("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(String(printed));
  await waitFor(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8") === "sleep\n");
  process.kill(pid, "SIGKILL");
  const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  await waitFor(() => stat()[0] === "Z");
  return { holder: { pid, startedAt: stat()[19] }, bury: () => void parent.kill() };
}

async function deadProcessId(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  if (child.pid === undefined) throw new Error("The process did not start.");
  return child.pid;
}
