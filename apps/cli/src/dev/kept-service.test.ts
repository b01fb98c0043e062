import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Output } from "../output.ts";
import { KeptService } from "./kept-service.ts";
import { Service, type ServiceSpec } from "./service.ts";

let directory: string;
let said: string;
let output: Output;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "downbeat-service-"));
  said = "";
  const stderr = new PassThrough().on("data", (chunk: Buffer) => (said += chunk.toString()));
  output = new Output({
    json: false,
    quiet: false,
    noColor: true,
    stdout: new PassThrough(),
    stderr,
  });
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const READY = `console.log(JSON.stringify({ listening: "http://127.0.0.1:1" }));`;
const STAY = `setInterval(() => {}, 1000);`;

describe("KeptService", () => {
  it("hands over the ready line, keeps the log, and stops when asked", async () => {
    const spec = await specOf(`console.error("hello log"); ${READY} ${STAY}`);
    const service = new KeptService(output, () => spec);
    await expect(service.start()).resolves.toEqual({ listening: "http://127.0.0.1:1" });
    await service.stop();
    await expect(readFile(join(directory, "api.log"), "utf8")).resolves.toContain("hello log");
    expect(said).toBe("");
  });

  it("starts again what died, says so, and shows its last lines", async () => {
    const marker = join(directory, "died-once");
    const spec = await specOf(`
      import { existsSync, writeFileSync } from "node:fs";
      ${READY}
      if (!existsSync(${JSON.stringify(marker)})) {
        writeFileSync(${JSON.stringify(marker)}, "");
        console.error("about to die");
        setTimeout(() => process.exit(3), 50);
      } ${STAY}`);
    const service = new KeptService(output, () => spec);
    await service.start();
    await vi.waitFor(() => expect(said).toContain("The API runs again."), { timeout: 10_000 });
    expect(said).toContain("The API ended unexpectedly (exit code 3)");
    expect(said).toContain("| about to die");
    await service.stop();
  });

  it("stops at once while it waits to start something again", async () => {
    const spec = await specOf(`${READY} setTimeout(() => process.exit(3), 50);`);
    const service = new KeptService(output, () => spec);
    await service.start();
    // The third pause is two seconds long.
    await vi.waitFor(() => expect(said).toContain("again in 2 s"), { timeout: 14_000 });
    const askedAtMs = performance.now();
    await service.stop();
    expect(performance.now() - askedAtMs).toBeLessThan(1500);
  });

  it("turns the service's own error code into the error of the command", async () => {
    const spec = await specOf(
      `console.error("port_taken: Port 4200 is taken.\\n  Choose another."); process.exit(1);`,
    );
    await expect(new KeptService(output, () => spec).start()).rejects.toMatchObject({
      code: "port_taken",
      message: "Port 4200 is taken.",
    });
  });

  it("shows the last lines of a service that dies without a code", async () => {
    const spec = await specOf(`console.error("boom"); process.exit(9);`);
    await expect(new KeptService(output, () => spec).start()).rejects.toThrow(
      /did not start \(exit code 9\)[\s\S]*boom/,
    );
  });
});

describe("Service", () => {
  it("stops when its supervisor is killed, however suddenly", async () => {
    const alive = join(directory, "alive");
    const gone = join(directory, "gone");
    const program = await fileWith(`
      import { writeFileSync } from "node:fs";
      process.once("SIGTERM", () => { writeFileSync(${JSON.stringify(gone)}, ""); process.exit(0); });
      writeFileSync(${JSON.stringify(alive)}, "");
      ${STAY}`);
    const preload = new URL("stop-with-parent.ts", import.meta.url).href;
    const tsx = import.meta.resolve("tsx");
    const parent = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `
      import { spawn } from "node:child_process";
      spawn(process.execPath, ["--import", ${JSON.stringify(tsx)}, "--import", ${JSON.stringify(preload)}, ${JSON.stringify(program)}], { stdio: ["pipe", "inherit", "inherit"], detached: true });`,
    ]);
    await vi.waitFor(() => access(alive), { timeout: 10_000 });
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await vi.waitFor(() => access(gone), { timeout: 10_000 });
    await expect(access(gone)).resolves.toBeUndefined();
  });

  it("says so when there is no sign of life in time", async () => {
    const service = new Service(await specOf(STAY));
    await expect(service.ready(200)).resolves.toMatchObject({
      end: { how: "no sign of life within 0.2 s" },
    });
    service.kill();
    await expect(service.ended).resolves.toMatchObject({ how: "SIGKILL" });
  });
});

async function specOf(source: string): Promise<ServiceSpec> {
  return {
    name: "API",
    program: await fileWith(source),
    args: [],
    env: {},
    cwd: directory,
    logDirectory: directory,
  };
}

async function fileWith(source: string): Promise<string> {
  const path = join(directory, "service.mjs");
  await writeFile(path, source);
  return path;
}
