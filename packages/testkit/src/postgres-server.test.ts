import { access } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type PostgresServer } from "./postgres-server.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ own: true });
});

afterAll(() => server.stop());

describe("startPostgres", () => {
  it("serves real PostgreSQL in UTF-8 and keeps fsync on", async () => {
    expect(await ask("show server_encoding")).toBe("UTF8");
    expect(await ask("show fsync")).toBe("on");
  });

  it("keeps committed rows through a hard kill and answers at the same URL", async () => {
    await ask("create table kept (n int)");
    await ask("insert into kept values (42)");
    const urlBefore = server.url;
    await server.kill("SIGKILL");
    await expect(ask("select 1")).rejects.toThrow(/ECONNREFUSED|terminated/);
    await server.restart();
    expect(server.url).toBe(urlBefore);
    expect(await ask("select n from kept")).toBe(42);
  });

  it("removes its data when stopped, and may be stopped twice", async () => {
    const dataDir = await ask("show data_directory");
    await server.stop();
    await expect(access(String(dataDir))).rejects.toThrow("ENOENT");
    await server.stop();
  });
});

describe("startPostgres with bad settings", () => {
  it("says what the server's log says", async () => {
    const start = startPostgres({ own: true, settings: { no_such_setting: "1" } });
    await expect(start).rejects.toThrow(/unrecognized configuration parameter "no_such_setting"/);
  });
});

async function ask(sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}
