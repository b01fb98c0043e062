import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DownbeatError, WorkspacePublicKey } from "@downbeat/contract";
import { z } from "zod";
import type { CliConfig } from "./config.ts";

/** Where the API is, who we are there, and which key belongs to the workspace. */
export const Profile = z.object({
  apiUrl: z.url(),
  apiKey: z.string().min(1),
  workspaceId: z.uuid().optional(),
  /** Pinned: parameters are sealed to this key and to no other, whatever the API says. */
  publicKey: WorkspacePublicKey.optional(),
  /** The keyset, relative to the profile's directory. */
  keyFile: z.string().optional(),
  /** The key that signs deployments and triggers, relative to the profile's directory. */
  signingKeyFile: z.string().optional(),
});
export type Profile = z.infer<typeof Profile>;

/** A profile and where it was found; its file names are absolute. */
export type LoadedProfile = Profile & {
  readonly source: string;
  /** The file that pins the key; undefined when all came from the environment. */
  readonly file: string | undefined;
  /** The workspace keyset from the environment, which wins over the file. */
  readonly keyText?: string;
};

/**
 * The profile in force. The environment wins over files; of the files the first that exists is taken:
 * DOWNBEAT_PROFILE_FILE, DOWNBEAT_HOME, `.downbeat` in the working directory, the person's own.
 *
 * @throws {DownbeatError} `profile_missing`, `configuration_invalid`
 */
export async function loadProfile(config: CliConfig): Promise<LoadedProfile> {
  const stored = await firstProfile(profileFiles(config));
  const apiUrl = config.apiUrl ?? stored?.apiUrl;
  const apiKey = config.apiKey ?? stored?.apiKey;
  if (apiUrl === undefined || apiKey === undefined) throw profileMissing(config);
  // A profile of another server says nothing about this one's workspace.
  const base = stored?.apiUrl === apiUrl ? stored : undefined;
  const keyFile = config.keyFile === undefined ? base?.keyFile : resolve(config.keyFile);
  const signingKeyFile =
    config.signingKeyFile === undefined ? base?.signingKeyFile : resolve(config.signingKeyFile);
  const source = [(config.apiUrl ?? config.apiKey) ? "environment" : undefined, stored?.source];
  return {
    apiUrl,
    apiKey,
    ...(base?.workspaceId !== undefined && { workspaceId: base.workspaceId }),
    ...(base?.publicKey !== undefined && { publicKey: base.publicKey }),
    ...(keyFile !== undefined && { keyFile }),
    ...(config.keyText !== undefined && { keyText: config.keyText }),
    ...(signingKeyFile !== undefined && { signingKeyFile }),
    source: source.filter((part) => part !== undefined).join(" over "),
    file: base?.file,
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
  const parsed = Profile.safeParse(parseJson(path, text));
  if (!parsed.success) {
    throw new DownbeatError("configuration_invalid", {
      message: `The profile ${path} is not valid: ${z.prettifyError(parsed.error)}`,
    });
  }
  const { keyFile, signingKeyFile, ...rest } = parsed.data;
  const fromHere = (named: string): string => resolve(dirname(path), named);
  return {
    ...rest,
    ...(keyFile !== undefined && { keyFile: fromHere(keyFile) }),
    ...(signingKeyFile !== undefined && { signingKeyFile: fromHere(signingKeyFile) }),
    source: path,
    file: path,
  };
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
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new DownbeatError("configuration_invalid", {
      message: `The profile ${path} cannot be read.`,
      cause,
    });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: JSON.parse quotes the text it fails on, and a profile holds an API key.
    throw new DownbeatError("configuration_invalid", {
      message: `The profile ${path} is not valid JSON.`,
    });
  }
}
