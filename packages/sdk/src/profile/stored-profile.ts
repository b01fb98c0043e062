import { dirname, resolve } from "node:path";
import { DownbeatError, WorkspacePublicKey } from "@downbeat/contract";
import { z } from "zod";
import type { ProfileSource } from "./read-profile.ts";

const StoredProfile = z.object({
  apiUrl: z.url(),
  apiKey: z.string().min(1),
  workspaceId: z.uuid().optional(),
  /** Pinned: parameters are sealed to this key and to no other, whatever the API says. */
  publicKey: WorkspacePublicKey.optional(),
  /** The workspace keyset. In the file, like the other, relative to the file's directory. */
  keyFile: z.string().optional(),
  /** With which deployments and triggers are signed. */
  signingKeyFile: z.string().optional(),
});

/** What a profile file holds: where the API is, who we are there, and which keys are ours. File names are absolute. */
export type StoredProfile = z.infer<typeof StoredProfile>;

/** A profile with what the environment adds to it. */
export type Profile = StoredProfile & {
  /** The workspace keyset from the environment, which wins over the file. */
  readonly keyText?: string;
};

/**
 * What the text of a profile file says.
 *
 * @throws DownbeatError `configuration_invalid`
 */
export function parseStoredProfile({
  path,
  text,
}: {
  readonly path: string;
  readonly text: string;
}): StoredProfile {
  const parsed = StoredProfile.safeParse(parseJson(path, text));
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
  };
}

/** The profile that environment and file amount to, the environment first; undefined when half is missing. */
export function mergeProfile(
  source: Omit<ProfileSource, "file">,
  stored: StoredProfile | undefined,
): Profile | undefined {
  const apiUrl = source.apiUrl ?? stored?.apiUrl;
  const apiKey = source.apiKey ?? stored?.apiKey;
  if (apiUrl === undefined || apiKey === undefined) return undefined;
  // A profile of another server says nothing about this one's workspace.
  const own = stored?.apiUrl === apiUrl ? stored : undefined;
  const { workspaceId, publicKey } = own ?? {};
  const keyFile = source.keyFile ?? own?.keyFile;
  const signingKeyFile = source.signingKeyFile ?? own?.signingKeyFile;
  return {
    apiUrl,
    apiKey,
    ...(workspaceId !== undefined && { workspaceId }),
    ...(publicKey !== undefined && { publicKey }),
    ...(source.keyText !== undefined && { keyText: source.keyText }),
    ...(keyFile !== undefined && { keyFile }),
    ...(signingKeyFile !== undefined && { signingKeyFile }),
  };
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
