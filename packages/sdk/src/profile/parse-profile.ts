import { dirname, resolve } from "node:path";
import { DownbeatError, WorkspacePublicKey } from "@downbeat/contract";
import { z } from "zod";
import type { ProfileSource } from "./read-profile.ts";

const StoredProfile = z.object({
  apiUrl: z.url(),
  apiKey: z.string().min(1),
  workspaceId: z.uuid().optional(),
  publicKey: WorkspacePublicKey.optional(),
  keyFile: z.string().optional(),
  /** With which triggers are signed. */
  signingKeyFile: z.string().optional(),
});

/** Where a plain script records its runs, and with which key it seals them. File names are absolute. */
export type Profile = z.infer<typeof StoredProfile> & {
  /** The workspace keyset from the environment, which wins over the file. */
  readonly keyText?: string;
};

/**
 * The profile that environment and file amount to.
 *
 * @throws DownbeatError `configuration_invalid` when the file does not hold one, `profile_missing` when half is missing.
 */
export function parseProfile(source: ProfileSource): Profile {
  const { apiUrl, apiKey, keyText, keyFile, file } = source;
  const stored = file === undefined ? undefined : parseStored(file);
  const url = apiUrl ?? stored?.apiUrl;
  const key = apiKey ?? stored?.apiKey;
  if (url === undefined || key === undefined) throw new DownbeatError("profile_missing");
  // A profile of another server says nothing about this one's workspace.
  const {
    keyFile: storedKeyFile,
    signingKeyFile: storedSigningKeyFile,
    workspaceId,
    publicKey,
  } = (stored?.apiUrl === url ? stored : undefined) ?? {};
  const named = keyFile ?? storedKeyFile;
  const signingKeyFile = source.signingKeyFile ?? storedSigningKeyFile;
  return {
    apiUrl: url,
    apiKey: key,
    ...(workspaceId !== undefined && { workspaceId }),
    ...(publicKey !== undefined && { publicKey }),
    ...(keyText !== undefined && { keyText }),
    ...(named !== undefined && { keyFile: named }),
    ...(signingKeyFile !== undefined && { signingKeyFile }),
  };
}

function parseStored({ path, text }: { readonly path: string; readonly text: string }): Profile {
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
