import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { renderSettings } from "./settings.ts";

const API = { DOWNBEAT_API_URL: "http://127.0.0.1:4200" };

test("defaults, variables and flags, of which the flag wins", () => {
  const config = readConfig(["--concurrency", "3", "--project", "flows"], {
    ...API,
    DOWNBEAT_CONCURRENCY: "7",
    DOWNBEAT_POOL: "eu",
    DOWNBEAT_LAUNCHER: "",
  });
  expect(config).toMatchObject({ concurrency: 3, pool: "eu", launcher: "warm", drainSeconds: 300 });
  expect(config.project).toBe(join(process.cwd(), "flows"));
  expect(config.name).toMatch(/^[A-Za-z0-9]/);
});

test("every bad setting is named at once, and no secret is repeated", () => {
  const environment = { DOWNBEAT_API_URL: "nonsense", DOWNBEAT_ENROL_TOKEN: "hush-hush" };
  const attempt = () => readConfig(["--concurrency", "many", "--launcher", "docker"], environment);
  expect(attempt).toThrow(expect.objectContaining({ code: "configuration_invalid" }));
  for (const name of ["--concurrency", "--launcher", "DOWNBEAT_API_URL", "DOWNBEAT_ENROL_TOKEN"]) {
    expect(attempt).toThrow(new RegExp(name));
  }
  expect(attempt).not.toThrow(/hush/);
});

test("an unknown flag lists the known ones", () => {
  expect(() => readConfig(["--api-key", "x"], API)).toThrow(/--concurrency/);
});

test("the profile fills in what is not set, its key file relative to itself", () => {
  const home = mkdtempSync(join(tmpdir(), "downbeat-home-"));
  const profile = { apiUrl: "http://127.0.0.1:4200", apiKey: "dnb_x", keyFile: "keys/w.json" };
  writeFileSync(join(home, "profile.json"), JSON.stringify(profile));
  expect(readConfig([], { DOWNBEAT_HOME: home })).toMatchObject({
    apiUrl: profile.apiUrl,
    apiKey: "dnb_x",
    keyFile: join(home, "keys/w.json"),
  });
  const elsewhere = readConfig([], {
    DOWNBEAT_HOME: home,
    DOWNBEAT_API_URL: "https://example.org",
  });
  expect(elsewhere).toMatchObject({ apiKey: undefined, keyFile: undefined });
});

test("without an API there is nothing to do, and a damaged profile is not quoted", () => {
  const home = mkdtempSync(join(tmpdir(), "downbeat-home-"));
  const attempt = () => readConfig([], { DOWNBEAT_HOME: home });
  expect(attempt).toThrow(expect.objectContaining({ code: "profile_missing" }));
  writeFileSync(join(home, "profile.json"), `{"apiKey": "dnb_secret`);
  expect(attempt).toThrow(expect.objectContaining({ code: "configuration_invalid" }));
  expect(attempt).not.toThrow(/dnb_secret/);
});

test("flows get none of Downbeat's own variables", () => {
  const environment = {
    ...API,
    DOWNBEAT_API_KEY: "dnb_x",
    DOWNBEAT_KEY_FILE: "k",
    DATABASE_URL: "own",
    PATH: "/bin",
  };
  expect(readConfig([], environment).childEnvironment).toEqual({
    DATABASE_URL: "own",
    PATH: "/bin",
  });
});

test("docs/agent.md lists the settings as they are", () => {
  const page = readFileSync(new URL("../../../docs/agent.md", import.meta.url), "utf8");
  expect(page).toContain(renderSettings());
});
