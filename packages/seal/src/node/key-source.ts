import { isKeysetExport } from "../keyset-export.ts";
import { parseKeyset, type WorkspaceKeyset } from "../keyset.ts";
import { SealError } from "../seal-error.ts";
import { readKeyset } from "./keyset-file.ts";

/** Where the workspace key of a machine comes from. It holds the secret in a closure, so that printing it shows none. */
export type KeySource = {
  /** What messages call it: the file's path, or the variable's name. */
  readonly name: string;
  /** The keyset's file; undefined when the key comes from the environment and there is nothing to write. */
  readonly file: string | undefined;
  /**
   * Reads the keyset, a file each time anew.
   *
   * @throws {SealError} as {@link readKeyset}; of a variable only `bad_keyset`
   */
  readonly read: () => Promise<WorkspaceKeyset>;
};

/** The variable that holds a whole keyset, where no file can be mounted. */
export const KEY_VARIABLE = "DOWNBEAT_KEY";

/**
 * The source in force: a key in the environment wins over any file. Undefined when neither is given.
 *
 * @param given.keyText what {@link KEY_VARIABLE} holds: the keyset's JSON, or base64 of it in either alphabet
 */
export function keySourceOf({
  keyText,
  keyFile,
}: {
  readonly keyText?: string | undefined;
  readonly keyFile?: string | undefined;
}): KeySource | undefined {
  if (keyText !== undefined)
    return { name: KEY_VARIABLE, file: undefined, read: () => parseKeyText(keyText) };
  if (keyFile === undefined) return undefined;
  return { name: keyFile, file: keyFile, read: () => readKeyset(keyFile) };
}

async function parseKeyText(given: string): Promise<WorkspaceKeyset> {
  const text = given.trim();
  if (isKeysetExport(text)) {
    throw new SealError(
      "bad_keyset",
      `${KEY_VARIABLE} holds a keyset under a passphrase, and nobody can be asked for it; set it to the keyset itself, as base64.`,
    );
  }
  return parseKeyset(parseJson(text.startsWith("{") ? text : fromBase64(text)));
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: JSON.parse quotes the text it fails on, and that text is a secret.
    throw new SealError(
      "bad_keyset",
      `${KEY_VARIABLE} holds neither a keyset's JSON nor base64 of it; set it with: base64 < keyset.json`,
    );
  }
}
