import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";
import { loadProfile, writeProfile, type Profile } from "./profile.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "downbeat-profile-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const stored: Profile = {
  apiUrl: "http://127.0.0.1:4200",
  apiKey: "dnb_stored",
  keyFile: "keys/w.json",
};

describe("loadProfile", () => {
  it("reads the profile of DOWNBEAT_HOME, with its key file made absolute", async () => {
    await writeProfile(join(directory, "profile.json"), stored);
    const profile = await loadProfile(configOf({}));
    expect(profile).toMatchObject({
      apiKey: "dnb_stored",
      keyFile: join(directory, "keys", "w.json"),
    });
  });

  it("reads one with a byte order mark before it", async () => {
    await writeFile(join(directory, "profile.json"), `\uFEFF${JSON.stringify(stored)}`);
    expect(await loadProfile(configOf({}))).toMatchObject({ apiKey: "dnb_stored" });
  });

  it("lets the environment win, and keeps the rest of a profile of the same API", async () => {
    await writeProfile(join(directory, "profile.json"), stored);
    const profile = await loadProfile(configOf({ DOWNBEAT_API_KEY: "dnb_other" }));
    expect(profile).toMatchObject({
      apiKey: "dnb_other",
      keyFile: join(directory, "keys", "w.json"),
    });
  });

  it("takes no key from a profile of another API", async () => {
    await writeProfile(join(directory, "profile.json"), stored);
    const profile = await loadProfile(
      configOf({ DOWNBEAT_API_URL: "https://elsewhere.example", DOWNBEAT_API_KEY: "dnb_x" }),
    );
    expect(profile.keyFile).toBeUndefined();
  });

  it("falls back to the person's own profile only when no home is named", async () => {
    const own = join(directory, "config", "downbeat", "profile.json");
    await writeProfile(own, stored);
    const config = readConfig({ XDG_CONFIG_HOME: join(directory, "config") });
    await expect(loadProfile({ ...config, home: join(directory, "empty") })).resolves.toMatchObject(
      { source: own },
    );
    await expect(
      loadProfile(configOf({ XDG_CONFIG_HOME: join(directory, "config") })),
    ).rejects.toMatchObject({
      code: "profile_missing",
    });
  });

  it("names the file and the field of a profile that is not valid, and not what it holds", async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "profile.json"), `{"apiUrl":"nonsense","apiKey":"dnb_secret"}`);
    const failure = loadProfile(configOf({}));
    await expect(failure).rejects.toMatchObject({
      code: "configuration_invalid",
      message: expect.stringContaining("apiUrl"),
    });
    await expect(failure).rejects.not.toMatchObject({
      message: expect.stringContaining("dnb_secret"),
    });
  });
});

describe("writeProfile", () => {
  it.runIf(process.platform !== "win32")("keeps the file to its owner", async () => {
    await writeProfile(join(directory, "profile.json"), stored);
    expect((await stat(join(directory, "profile.json"))).mode & 0o777).toBe(0o600);
  });
});

describe("readConfig", () => {
  it("refuses a port that is none", () => {
    expect(() => readConfig({ DOWNBEAT_PORT: "4200x" })).toThrow(/DOWNBEAT_PORT is "4200x"/);
  });
});

function configOf(environment: NodeJS.ProcessEnv) {
  return readConfig({ DOWNBEAT_HOME: directory, ...environment });
}
