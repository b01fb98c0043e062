import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DownbeatError } from "@downbeat/contract";
import {
  mergeProfile,
  parseStoredProfile,
  type Profile as MergedProfile,
  type StoredProfile,
} from "@downbeat/sdk/profile";
import type { CliConfig } from "./config.ts";

/** As a profile file holds it. */
export type Profile = StoredProfile;

/** A profile and where it was found; its file names are absolute. */
export type LoadedProfile = MergedProfile & {
  readonly source: string;
  /** The file that pins the key; undefined when all came from the environment. */
  readonly file: string | undefined;
};

/**
 * The profile in force. The environment wins over files; of the files the first that exists is taken:
 * DOWNBEAT_PROFILE_FILE, DOWNBEAT_HOME, `.downbeat` in the working directory, the person's own.
 *
 * @throws {DownbeatError} `profile_missing`, `configuration_invalid`
 */
export async function loadProfile(config: CliConfig): Promise<LoadedProfile> {
  const stored = await firstProfile(profileFiles(config));
  const { apiUrl, apiKey, keyText, keyFile, signingKeyFile } = config;
  const profile = mergeProfile(
    {
      apiUrl,
      apiKey,
      keyText,
      keyFile: keyFile && resolve(keyFile),
      signingKeyFile: signingKeyFile && resolve(signingKeyFile),
    },
    stored,
  );
  if (profile === undefined) throw profileMissing(config);
  const source = [(apiUrl ?? apiKey) ? "environment" : undefined, stored?.source];
  return {
    ...profile,
    source: source.filter((part) => part !== undefined).join(" over "),
    file: stored?.apiUrl === profile.apiUrl ? stored.file : undefined,
  };
}

/** Where `login` and `dev` write: the file named by the environment, else the one in the home directory. */
export function profileFileToWrite(config: CliConfig): string {
  return config.profileFile === undefined
    ? join(config.home, "profile.json")
    : resolve(config.profileFile);
}

/** Writes a profile, readable by its owner alone: it holds the API key. */
export async function writeProfile(path: string, profile: Profile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** Reads one profile file; undefined when there is none. File names come back absolute. */
export async function readProfile(path: string): Promise<LoadedProfile | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  return { ...parseStoredProfile({ path, text }), source: path, file: path };
}

function profileFiles(config: CliConfig): string[] {
  if (config.profileFile !== undefined) return [resolve(config.profileFile)];
  const inHome = join(config.home, "profile.json");
  return config.homeIsSet ? [inHome] : [inHome, config.userProfileFile];
}

async function firstProfile(paths: readonly string[]): Promise<LoadedProfile | undefined> {
  for (const path of paths) {
    const profile = await readProfile(path);
    if (profile !== undefined) return profile;
  }
  return undefined;
}

function profileMissing(config: CliConfig): DownbeatError {
  return new DownbeatError("profile_missing", {
    message: `No profile is set; looked in the environment and in ${profileFiles(config).join(", ")}.`,
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    // Decoded so, a byte order mark, which editors of Windows put before a file, is no part of the text.
    return new TextDecoder().decode(await readFile(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new DownbeatError("configuration_invalid", {
      message: `The profile ${path} cannot be read.`,
      cause,
    });
  }
}
