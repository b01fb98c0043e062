import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SealError } from "../seal-error.ts";

/** A file with key material, and what to call it in messages. */
export type KeyFile = { readonly path: string; readonly what: "keyset" | "signing key" };

// Windows has no such mode bits: every file reports 0666 there.
const HAS_MODE_BITS = process.platform !== "win32";

/**
 * Reads the JSON in a file that its owner alone may read.
 *
 * @throws {SealError} `keyset_missing`, `keyset_exposed` when group or others may read it, `bad_keyset` when it holds no
 * JSON, `keyset_unreachable`
 */
export async function readKeyFile(file: KeyFile): Promise<unknown> {
  const handle = await openFile(file);
  let text: string;
  try {
    await refuseExposed(file, handle);
    // Decoded so, a byte order mark, which editors of Windows put before a file, is no part of the text.
    text = new TextDecoder().decode(await handle.readFile());
  } catch (cause) {
    throw unreachable(file, cause);
  } finally {
    await handle.close();
  }
  return parseJson(file, text);
}

/**
 * Writes a value as JSON with mode 0600, whole or not at all; directories made for it get mode 0700. Of two processes that
 * write at the same time one succeeds and the other gets `keyset_exists`.
 *
 * @throws {SealError} `keyset_exists` unless it may `replace`, `keyset_unreachable`
 */
export async function writeKeyFile(
  file: KeyFile,
  value: unknown,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  const { path } = file;
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(draft, `${JSON.stringify(value, null, 2)}\n`);
    // A hard link fails where a file already stands; a rename would silently replace it.
    if (replace) await rename(draft, path);
    else await link(draft, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    throw errnoOf(cause) === "EEXIST"
      ? new SealError(
          "keyset_exists",
          `A ${file.what} already stands at ${path}; it was left alone.`,
          { cause },
        )
      : unreachable(file, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

async function openFile(file: KeyFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (cause) {
    throw errnoOf(cause) === "ENOENT"
      ? new SealError("keyset_missing", `There is no ${file.what} at ${file.path}.`, { cause })
      : unreachable(file, cause);
  }
}

/** Asks the open file, not the path, so that the file checked is the file read. */
async function refuseExposed({ path, what }: KeyFile, handle: FileHandle): Promise<void> {
  const mode = (await handle.stat()).mode & 0o777;
  if (!HAS_MODE_BITS || (mode & 0o077) === 0) return;
  throw new SealError(
    "keyset_exposed",
    `The ${what} ${path} is open to other users (mode 0${mode.toString(8)}); run: chmod 600 ${path}`,
  );
}

function parseJson({ path, what }: KeyFile, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause is left out on purpose: JSON.parse quotes the text it fails on, and that text is a secret.
    throw new SealError(
      "bad_keyset",
      `The ${what} ${path} is not valid JSON; restore it from a copy.`,
    );
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (!HAS_MODE_BITS) return; // Windows cannot open a directory for syncing
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreachable({ path, what }: KeyFile, cause: unknown): SealError {
  if (cause instanceof SealError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SealError(
    "keyset_unreachable",
    `The ${what} ${path} cannot be read or written: ${reason}`,
    { cause },
  );
}

function errnoOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
