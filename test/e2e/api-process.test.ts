import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "@downbeat/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { newApiKeyText } from "./api-key-text.ts";

const MAIN = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@downbeat/api/package.json")),
  "dist",
  "main.js",
);

type Process = { readonly child: ChildProcess; readonly text: { out: string; err: string } };

describe("the API as a process", () => {
  let home: string;
  const running: ChildProcess[] = [];

  // One for all: a first start on an empty directory takes as long as all the rest here.
  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), "downbeat-api-"));
  });
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 10 }));

  function start(environment: Record<string, string> = {}, args: readonly string[] = []): Process {
    const { PATH = "" } = process.env;
    const env = {
      PATH,
      DOWNBEAT_HOME: home,
      DOWNBEAT_PORT: "0",
      DOWNBEAT_READY_LINE: "1",
      ...environment,
    };
    const child = spawn(process.execPath, [MAIN, ...args], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.push(child);
    const text = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString()));
    return { child, text };
  }

  async function untilListening({ child, text }: Process): Promise<string> {
    for (;;) {
      const line = text.out.split("\n").find((one) => one.includes("listening"));
      if (line !== undefined) return (JSON.parse(line) as { listening: string }).listening;
      await Promise.race([
        once(child.stdout ?? child, "data"),
        once(child, "exit").then(() => Promise.reject(new Error(text.err))),
      ]);
    }
  }

  async function untilGone({ child }: Process): Promise<number | null> {
    const [code] = (await once(child, "close")) as [number | null];
    return code;
  }

  it("makes the bootstrap workspace once, stops in order, and finds everything again after kill -9", async () => {
    const apiKey = newApiKeyText();
    const environment = { DOWNBEAT_BOOTSTRAP_API_KEY: apiKey };
    const first = start(environment);
    const client = createClient({ apiUrl: await untilListening(first), apiKey });
    const { workspace } = await client.call("whoAmI", {});
    await client.call("createPool", { body: { name: "kept" } });
    await client.close();
    first.child.kill("SIGKILL");
    await untilGone(first);

    const second = start(environment);
    const again = createClient({ apiUrl: await untilListening(second), apiKey });
    expect((await again.call("whoAmI", {})).workspace).toEqual(workspace);
    const { items } = await again.call("listPools", { query: {} });
    expect(items.map(({ name }) => name).toSorted()).toEqual(["default", "kept"]);
    await again.close();
    second.child.kill("SIGTERM");
    expect(await untilGone(second)).toBe(0);
    expect(second.text.err).toContain('"stopped"');
    expect(second.text.err).not.toContain(apiKey.slice(40));
  });

  it("refuses a data directory in use, naming it and the process that has it", async () => {
    const first = start();
    await untilListening(first);
    const second = start();
    expect(await untilGone(second)).toBe(1);
    expect(second.text.err).toMatch(/^data_directory_in_use: /);
    expect(second.text.err).toContain(path.join(home, "data"));
    expect(second.text.err).toContain(String(first.child.pid));
  });

  it("refuses a taken port, or moves on when asked to and says where it is", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    try {
      const refused = start({ DOWNBEAT_PORT: String(port) });
      expect(await untilGone(refused)).toBe(1);
      expect(refused.text.err).toContain(`port_taken: Port ${port}`);
      const moved = start({ DOWNBEAT_PORT: String(port), DOWNBEAT_PORT_SEARCH: "1" });
      expect(Number(new URL(await untilListening(moved)).port)).toBeGreaterThan(port);
    } finally {
      other.close();
    }
  });

  it("names every bad variable and an unknown command", async () => {
    const wrong = {
      DATABASE_URL: "mysql://nowhere",
      DOWNBEAT_LEASE_SECONDS: "-1",
      DOWNBEAT_LOG_LEVEL: "loud",
      DOWNBEAT_PORT: "http",
    };
    const bad = start(wrong);
    expect(await untilGone(bad)).toBe(1);
    for (const name of Object.keys(wrong)) expect(bad.text.err).toContain(name);
    const unknown = start({}, ["fly"]);
    expect(await untilGone(unknown)).toBe(1);
    expect(unknown.text.err).toContain('There is no command "fly"');
    const unreachable = start({ DATABASE_URL: "postgres://nobody:secret@127.0.0.1:1/none" });
    expect(await untilGone(unreachable)).toBe(1);
    expect(unreachable.text.err).toMatch(/^database_unreachable: /);
    expect(unreachable.text.err).not.toContain("secret");
  });

  it("makes further workspaces from the command line", async () => {
    const made = start({}, ["create-workspace", "second"]);
    expect(await untilGone(made)).toBe(0);
    const { workspaceId, apiKey } = JSON.parse(made.text.out) as {
      workspaceId: string;
      apiKey: string;
    };
    const api = start();
    const client = createClient({ apiUrl: await untilListening(api), apiKey });
    expect((await client.call("whoAmI", {})).workspace).toMatchObject({
      id: workspaceId,
      name: "second",
    });
    await client.close();
  });
});
