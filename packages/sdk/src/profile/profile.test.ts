import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseProfile } from "./parse-profile.ts";
import { findProfile } from "./read-profile.ts";

const home = mkdtempSync(join(tmpdir(), "downbeat-profile-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const stored = {
  apiUrl: "http://127.0.0.1:4200",
  apiKey: "dnb_file",
  workspaceId: "0198c0de-0000-7000-8000-00000000000a",
  keyFile: "keys/a.json",
};
writeFileSync(join(home, "profile.json"), JSON.stringify(stored));
mkdirSync(join(home, "config", "downbeat"), { recursive: true });

function profileOf(environment: NodeJS.ProcessEnv) {
  const source = findProfile(environment);
  return source && parseProfile(source);
}

test("the file in DOWNBEAT_HOME counts; its key file is relative to it", () => {
  expect(profileOf({ DOWNBEAT_HOME: home })).toEqual({
    ...stored,
    keyFile: join(home, "keys/a.json"),
  });
});

test("the environment wins; keys of another server's profile are not used for it", () => {
  const environment = { DOWNBEAT_HOME: home, DOWNBEAT_API_KEY: "dnb_env" };
  expect(profileOf(environment)).toMatchObject({
    apiKey: "dnb_env",
    workspaceId: stored.workspaceId,
  });
  expect(profileOf({ ...environment, DOWNBEAT_API_URL: "http://other:1" })).toEqual({
    apiUrl: "http://other:1",
    apiKey: "dnb_env",
  });
  expect(profileOf({ DOWNBEAT_HOME: home, DOWNBEAT_KEY_FILE: "/k.json" })).toMatchObject({
    keyFile: "/k.json",
  });
  expect(profileOf({ DOWNBEAT_HOME: home, DOWNBEAT_KEY: "the keyset" })).toMatchObject({
    keyText: "the keyset",
  });
});

test("without a profile, and when recording is off, there is none", () => {
  expect(profileOf({ DOWNBEAT_HOME: join(home, "none") })).toBeUndefined();
  expect(profileOf({ DOWNBEAT_HOME: home, DOWNBEAT_RECORD: "off" })).toBeUndefined();
  expect(
    profileOf({ DOWNBEAT_HOME: join(home, "none"), DOWNBEAT_API_URL: "http://x:1" }),
  ).toBeUndefined();
});

test("a file that holds no profile is refused by name, without quoting it", () => {
  const path = join(home, "bad.json");
  writeFileSync(path, `{"apiKey": "dnb_secret", `);
  expect(() => profileOf({ DOWNBEAT_PROFILE_FILE: path })).toThrow(
    `The profile ${path} is not valid JSON.`,
  );
  writeFileSync(path, `{"apiKey": "dnb_secret"}`);
  expect(() => profileOf({ DOWNBEAT_PROFILE_FILE: path })).toThrow(
    /is not valid: .*expected string.*\n.*apiUrl/,
  );
});
