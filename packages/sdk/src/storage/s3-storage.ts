import { randomUUID } from "node:crypto";
import type * as Sdk from "@aws-sdk/client-s3";
import { DownbeatError } from "@downbeat/contract/errors";
import { checkKey } from "./result-storage.ts";
import type { Pruned, ResultStorage, StorageLock } from "./result-storage.ts";

/** Which bucket to keep results in, and how to reach it. */
export type S3StorageOptions = {
  readonly bucket: string;
  /** What every key begins with, such as `downbeat/results`. Default: nothing. */
  readonly prefix?: string;
  /** Origin of an S3-compatible service. Default: Amazon S3 of the region. */
  readonly endpoint?: string;
  /** Default: what the AWS SDK finds in the environment; `us-east-1` where an endpoint is given. */
  readonly region?: string;
  /** Default: what the AWS SDK finds (environment, profile, role). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Whether the bucket is named in the path instead of the host. Default: true where an endpoint is given. */
  readonly forcePathStyle?: boolean;
};

const DELETED_TOGETHER = 16;

type Connection = { readonly sdk: typeof Sdk; readonly client: Sdk.S3Client };

/**
 * Keeps results in a bucket of Amazon S3 or a compatible service. Needs the package `@aws-sdk/client-s3` in your project;
 * it is loaded on first use. Locks rest on conditional writes (`If-None-Match`, `If-Match`), which the service must know.
 *
 * @example
 * const storage = s3Storage({ bucket: "pipeline-results", prefix: "downbeat" });
 * @throws DownbeatError `definition_invalid` on first use when `@aws-sdk/client-s3` is not installed.
 */
export function s3Storage(options: S3StorageOptions): ResultStorage {
  return new S3Storage(options);
}

class S3Storage implements ResultStorage {
  readonly #options: S3StorageOptions;
  #connection: Promise<Connection> | undefined;

  constructor(options: S3StorageOptions) {
    this.#options = options;
  }

  locationOf(key: string): string {
    const { Bucket, Key } = this.#place(key);
    return `s3://${Bucket}/${Key}`;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const { sdk, client } = await this.#connect();
    try {
      const { Body } = await client.send(new sdk.GetObjectCommand(this.#place(key)));
      return await Body?.transformToByteArray();
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const { sdk, client } = await this.#connect();
    await client.send(new sdk.PutObjectCommand({ ...this.#place(key), Body: bytes }));
  }

  async delete(key: string): Promise<void> {
    const { sdk, client } = await this.#connect();
    await client.send(new sdk.DeleteObjectCommand(this.#place(key)));
  }

  async lock(key: string, leaseMs: number): Promise<StorageLock | undefined> {
    const connection = await this.#connect();
    const place = this.#place(key);
    const lock = new S3Lock(connection, { ...place, Key: `${place.Key}.lock` });
    return (await lock.take(leaseMs)) ? lock : undefined;
  }

  prune(part: "runs" | "cache", olderThanMs: number): Promise<Pruned> {
    return this.#forOld({ part, olderThanMs }, (old) => this.#deleteAll(old));
  }

  prunable(part: "runs" | "cache", olderThanMs: number): Promise<Pruned> {
    return this.#forOld({ part, olderThanMs }, async () => {});
  }

  /** Hands over what is old, a page at a time; counts results, not locks. */
  async #forOld(
    { part, olderThanMs }: { part: "runs" | "cache"; olderThanMs: number },
    take: (old: readonly Sdk._Object[]) => Promise<void>,
  ): Promise<Pruned> {
    const { sdk, client } = await this.#connect();
    const { Bucket, Key } = this.#place(part);
    const total = { count: 0, bytes: 0 };
    const pages = sdk.paginateListObjectsV2({ client }, { Bucket, Prefix: `${Key}/` });
    for await (const { Contents = [] } of pages) {
      const old = Contents.filter(
        ({ LastModified }) => Date.now() - (LastModified?.getTime() ?? Infinity) > olderThanMs,
      );
      await take(old);
      const results = old.filter(({ Key: each }) => each?.endsWith(".lock") === false);
      total.count += results.length;
      total.bytes += results.reduce((sum, { Size = 0 }) => sum + Size, 0);
    }
    return total;
  }

  async #deleteAll(objects: readonly Sdk._Object[]): Promise<void> {
    const { sdk, client } = await this.#connect();
    const Bucket = this.#options.bucket;
    for (let at = 0; at < objects.length; at += DELETED_TOGETHER) {
      const batch = objects.slice(at, at + DELETED_TOGETHER);
      // One by one: not every compatible service deletes lists.
      await Promise.all(
        batch.map(({ Key }) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))),
      );
    }
  }

  #place(key: string): Place {
    checkKey(key);
    const { bucket, prefix = "" } = this.#options;
    return { Bucket: bucket, Key: prefix === "" ? key : `${prefix.replace(/\/+$/, "")}/${key}` };
  }

  #connect(): Promise<Connection> {
    return (this.#connection ??= connect(this.#options));
  }
}

async function connect(options: S3StorageOptions): Promise<Connection> {
  const sdk = await import("@aws-sdk/client-s3").catch((cause: unknown) => {
    throw new DownbeatError("definition_invalid", {
      message: "s3Storage() needs the package @aws-sdk/client-s3; add it to your project",
      cause,
    });
  });
  const { endpoint, region, credentials, forcePathStyle = endpoint !== undefined } = options;
  const client = new sdk.S3Client({
    forcePathStyle,
    // Not every compatible service knows the newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint !== undefined && { endpoint, region: "us-east-1" }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
  });
  return { sdk, client };
}

type Place = { readonly Bucket: string; readonly Key: string };

/** A lock that is an object: made only if absent, replaced only if unchanged. Its age is told by the service's clock. */
class S3Lock implements StorageLock {
  readonly #connection: Connection;
  readonly #place: Place;
  readonly #holder = randomUUID();
  #beats = 0;
  #etag: string | undefined;

  constructor(connection: Connection, place: Place) {
    this.#connection = connection;
    this.#place = place;
  }

  async take(leaseMs: number): Promise<boolean> {
    if (await this.#write({ IfNoneMatch: "*" })) return true;
    const held = await this.#look();
    if (held === undefined) return this.#write({ IfNoneMatch: "*" });
    return held.ageMs >= leaseMs && this.#write({ IfMatch: held.etag });
  }

  async renew(): Promise<boolean> {
    return this.#etag !== undefined && this.#write({ IfMatch: this.#etag });
  }

  async release(): Promise<void> {
    if (this.#etag === undefined) return;
    const { sdk, client } = this.#connection;
    const command = new sdk.DeleteObjectCommand({ ...this.#place, IfMatch: this.#etag });
    this.#etag = undefined;
    await unlessRefused(client.send(command));
  }

  // Each write differs, so that its tag tells it from every other.
  async #write(condition: { IfMatch?: string; IfNoneMatch?: string }): Promise<boolean> {
    const { sdk, client } = this.#connection;
    const Body = JSON.stringify({ holder: this.#holder, beat: (this.#beats += 1) });
    const command = new sdk.PutObjectCommand({ ...this.#place, ...condition, Body });
    const written = await unlessRefused(client.send(command));
    this.#etag = written?.ETag;
    return written !== undefined;
  }

  async #look(): Promise<{ etag: string; ageMs: number } | undefined> {
    const { sdk, client } = this.#connection;
    const command = new sdk.HeadObjectCommand(this.#place);
    let nowMs = Number.NaN;
    command.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        nowMs = Date.parse(dateOf(answer.response));
        return answer;
      },
      { step: "deserialize", name: "downbeatServerDate" },
    );
    try {
      const { ETag: etag, LastModified } = await client.send(command);
      if (etag === undefined || LastModified === undefined) return undefined;
      return { etag, ageMs: nowMs - LastModified.getTime() };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }
}

/** Undefined when the condition of a write did not hold, or another write was under way. */
async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ([404, 409, 412].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode;
}

function dateOf(response: unknown): string {
  return (response as { headers?: { date?: string } }).headers?.date ?? "";
}
