import { fileURLToPath } from "node:url";
import { ResultError } from "../errors.ts";
import type { ResultPointer } from "../run-host.ts";
import { directoryStorage } from "../storage/directory-storage.ts";
import type { ResultStorage } from "../storage/result-storage.ts";
import { s3Storage } from "../storage/s3-storage.ts";
import { unpackEntry } from "./entry.ts";
import { bytesSerializer, jsonSerializer } from "./serializer.ts";
import type { ResultSerializer } from "./serializer.ts";

/** How a kept result is reached and read, where its location alone does not tell. */
export type ReadResultOptions = {
  /**
   * The storage that the task or flow keeps it in: for a service that is not Amazon's, and for storages of your own.
   * Default: what the location says, a directory or a bucket.
   */
  readonly storage?: ResultStorage;
  /** The serializer that it was written with. Default: {@link jsonSerializer} or {@link bytesSerializer}, as it says itself. */
  readonly serializer?: ResultSerializer;
};

/**
 * Reads a result that a task or flow with `persist` or `cache` has kept, where the storage is in reach: by the location
 * that `downbeat runs view` shows.
 *
 * @param pointer the location (`file:///…`, `s3://…`), or the note with a `location`
 * @example
 * const rows = await readResult("s3://pipeline-results/downbeat/cache/4f53c…");
 * @throws ResultError `result_missing` when nothing is kept there, `result_unreadable` when it is damaged or was written
 *   with another serializer; what the storage throws
 */
export async function readResult(
  pointer: string | Pick<ResultPointer, "location">,
  { storage, serializer }: ReadResultOptions = {},
): Promise<unknown> {
  const location = typeof pointer === "string" ? pointer : pointer.location;
  const { root, key } = partsOf(location);
  const from = storage ?? storageAt(root, location);
  if (from.locationOf(key) !== location) throw missing(location, "it is not in this storage");
  const bytes = await from.get(key);
  if (bytes === undefined) throw missing(location, "nothing is kept there");
  try {
    const entry = unpackEntry(bytes);
    return serializerCalled(entry.serializer, serializer).deserialize(entry.body);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the result at ${location} cannot be read: ${reason}`;
    throw new ResultError("result_unreadable", { message, cause });
  }
}

// Keys are made by this package alone, so that the end of every location is known.
const LOCATION = /^(.*)\/((?:runs\/[\w-]+\/\d+|cache)\/[\w-]+)$/;

function partsOf(location: string): { root: string; key: string } {
  const [, root, key] = LOCATION.exec(location) ?? [];
  if (root === undefined || key === undefined)
    throw missing(location, "that is not the location of a kept result");
  return { root, key };
}

function storageAt(root: string, location: string): ResultStorage {
  if (root.startsWith("file://")) return directoryStorage(fileURLToPath(root));
  const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(root) ?? [];
  if (bucket === undefined) throw missing(location, "it takes the storage that it is kept in");
  return s3Storage({ bucket, ...(prefix !== undefined && { prefix }) });
}

function serializerCalled(name: string, given: ResultSerializer | undefined): ResultSerializer {
  const known = [given, jsonSerializer, bytesSerializer].find((one) => one?.name === name);
  if (known === undefined) throw new Error(`it was written by serializer "${name}"; pass that one`);
  return known;
}

function missing(location: string, why: string): ResultError {
  return new ResultError("result_missing", {
    message: `there is no result at ${location}: ${why}`,
  });
}
