import path from "node:path";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";
import { renderConfigurationPage } from "./configuration-page.ts";

describe("readConfig", () => {
  it("has a default for everything that may be left out", () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      port: 4200,
      host: "127.0.0.1",
      leaseSeconds: 45,
      portSearch: false,
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(path.isAbsolute(config.home)).toBe(true);
  });

  it("names every bad variable at once, and not their values", () => {
    const environment = {
      DOWNBEAT_PORT: "http",
      DATABASE_URL: "mysql://u:secret@h/d",
      DOWNBEAT_LEASE_SECONDS: "0",
    };
    expect(() => readConfig(environment)).toThrow(
      /DOWNBEAT_PORT.*DATABASE_URL.*DOWNBEAT_LEASE_SECONDS/s,
    );
    expect(() => readConfig(environment)).not.toThrow(/secret/);
  });

  it("refuses a heartbeat that is not shorter than the lease", () => {
    const environment = { DOWNBEAT_HEARTBEAT_SECONDS: "10", DOWNBEAT_LEASE_SECONDS: "10" };
    expect(() => readConfig(environment)).toThrow(/DOWNBEAT_HEARTBEAT_SECONDS: 10 is not shorter/);
  });

  it("is what docs/configuration.md says", async () => {
    const page = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
    expect(page).toBe(renderConfigurationPage());
  });
});
