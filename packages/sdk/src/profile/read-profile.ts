import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** What the environment and the files say about where to record, before anyone has checked it. */
export type ProfileSource = {
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  /** The workspace keyset itself. */
  readonly keyText: string | undefined;
  /** Absolute. */
  readonly keyFile: string | undefined;
  /** Absolute. */
  readonly signingKeyFile: string | undefined;
  readonly file: { readonly path: string; readonly text: string } | undefined;
};

/** The profile in force, as {@link locateProfile} finds it; undefined also when DOWNBEAT_RECORD is `off`. */
export function findProfile(
  environment: NodeJS.ProcessEnv = process.env,
): ProfileSource | undefined {
  return environment["DOWNBEAT_RECORD"] === "off" ? undefined : locateProfile(environment);
}

/**
 * Finds the profile in force, as the CLI does: DOWNBEAT_API_URL and DOWNBEAT_API_KEY win; of the files the first that
 * exists is taken: DOWNBEAT_PROFILE_FILE, DOWNBEAT_HOME, `.downbeat` in the working directory, the person's own.
 * Undefined when there is none. Parsing is left to `parse-profile.ts`: it needs zod,
 * which would be most of the start-up time of a script without a profile.
 *
 * @throws the file system's error when the file that counts cannot be read.
 */
export function locateProfile(
  environment: NodeJS.ProcessEnv = process.env,
): ProfileSource | undefined {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const [apiUrl, apiKey, keyText, keyFile, signingKeyFile] = [
    "DOWNBEAT_API_URL",
    "DOWNBEAT_API_KEY",
    "DOWNBEAT_KEY",
    "DOWNBEAT_KEY_FILE",
    "DOWNBEAT_SIGNING_KEY_FILE",
  ].map(value);
  const file = firstFile(profileFiles(value));
  if (file === undefined && (apiUrl === undefined || apiKey === undefined)) return undefined;
  return {
    apiUrl,
    apiKey,
    keyText,
    keyFile: keyFile && resolve(keyFile),
    signingKeyFile: signingKeyFile && resolve(signingKeyFile),
    file,
  };
}

function profileFiles(value: (name: string) => string | undefined): string[] {
  const named = value("DOWNBEAT_PROFILE_FILE");
  if (named !== undefined) return [resolve(named)];
  const home = value("DOWNBEAT_HOME");
  if (home !== undefined) return [resolve(home, "profile.json")];
  const own = join(
    value("XDG_CONFIG_HOME") ?? join(homedir(), ".config"),
    "downbeat",
    "profile.json",
  );
  return [resolve(".downbeat", "profile.json"), own];
}

function firstFile(paths: readonly string[]): ProfileSource["file"] {
  for (const path of paths) {
    try {
      return { path, text: readFileSync(path, "utf8") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}
