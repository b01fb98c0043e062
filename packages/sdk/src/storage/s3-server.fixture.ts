import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type StoredObject = { readonly body: Buffer; readonly etag: string; readonly modifiedAtMs: number };

/** As much of S3 as a results storage uses, in memory: objects, and conditions on writing and deleting them. */
export class S3Server {
  readonly objects = new Map<string, StoredObject>();
  /** Answered instead of doing anything; 0: work. */
  failWith = 0;
  /** The service's clock, which need not agree with anyone else's. */
  nowMs: () => number = () => Date.now();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<S3Server> {
    const fixture = new S3Server();
    await new Promise<void>((resolve) => fixture.#server.listen(0, "127.0.0.1", resolve));
    return fixture;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const key = decodeURIComponent(new URL(request.url ?? "", this.endpoint).pathname.slice(1));
    response.setHeader("date", new Date(this.nowMs()).toUTCString());
    if (request.headers.authorization === undefined) return refuse(response, 403, "AccessDenied");
    if (this.failWith > 0) return refuse(response, this.failWith, "InternalError");
    const stored = this.objects.get(key);
    if (!holds(request, stored)) return refuse(response, 412, "PreconditionFailed");
    if (request.method === "PUT") return this.#put(key, Buffer.concat(chunks), response);
    if (request.method === "DELETE") {
      this.objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    if (new URL(request.url ?? "", this.endpoint).searchParams.has("list-type"))
      return this.#list(key, new URL(request.url ?? "", this.endpoint).searchParams, response);
    if (stored === undefined) return refuse(response, 404, "NoSuchKey");
    response.writeHead(200, {
      etag: stored.etag,
      "last-modified": new Date(stored.modifiedAtMs).toUTCString(),
      "content-length": stored.body.byteLength,
    });
    response.end(request.method === "HEAD" ? undefined : stored.body);
  }

  /** Two objects a page, so that a listing has several. */
  #list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const prefix = `${bucket.replace(/\/$/, "")}/${query.get("prefix") ?? ""}`;
    const after = query.get("continuation-token") ?? "";
    const found = [...this.objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const page = found.slice(0, 2);
    const contents = page.map(([key, { body, modifiedAtMs }]) => {
      const name = key.slice(key.indexOf("/") + 1);
      const modified = new Date(modifiedAtMs).toISOString();
      return `<Contents><Key>${name}</Key><LastModified>${modified}</LastModified><Size>${body.byteLength}</Size></Contents>`;
    });
    const isMore = found.length > page.length;
    const next = isMore
      ? `<NextContinuationToken>${page.at(-1)?.[0] ?? ""}</NextContinuationToken>`
      : "";
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isMore}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`,
    );
  }

  #put(key: string, body: Buffer, response: ServerResponse): void {
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    this.objects.set(key, { body, etag, modifiedAtMs: this.nowMs() });
    response.writeHead(200, { etag }).end();
  }
}

function holds({ headers }: IncomingMessage, stored: StoredObject | undefined): boolean {
  if (headers["if-none-match"] === "*" && stored !== undefined) return false;
  const wanted = headers["if-match"];
  return wanted === undefined || wanted === stored?.etag;
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}
