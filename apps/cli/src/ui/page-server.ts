import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import type { Transport } from "@downbeat/client";
import { DownbeatError, ERRORS, PAGE_HEADERS } from "@downbeat/contract";
import type { PageFiles } from "./page-files.ts";

// Nobody else on the network gets at it, and it is not an option that somebody could set by mistake.
const HOST = "127.0.0.1";

export type PageServerOptions = {
  readonly files: PageFiles;
  /** 0: any that is free. */
  readonly port: number;
  /** Carries calls to the API. */
  readonly transport: Transport;
};

/**
 * Serves the page on this machine's loopback address and hands its calls on to the API, with the credentials that the page
 * sends and none of its own. What the API answers is passed on as JSON whatever it calls itself: nothing of it can run here.
 */
export class PageServer {
  readonly #server: Server;
  readonly #options: PageServerOptions;

  private constructor(options: PageServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** @throws {DownbeatError} `configuration_invalid` when the port is taken */
  static async start(options: PageServerOptions): Promise<PageServer> {
    const server = new PageServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject).listen(options.port, HOST, resolve);
    }).catch((cause: unknown) => {
      const message = `Port ${options.port} of ${HOST} cannot be listened on; choose another with --port.`;
      throw new DownbeatError("configuration_invalid", { message, cause });
    });
    return server;
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
    const path = request.url ?? "/";
    // A name that an attacker has pointed at this machine must not make his page one of this origin.
    if (![`${HOST}:${this.#port}`, `localhost:${this.#port}`].includes(request.headers.host ?? ""))
      return problem(response, 421, "not_found", "This server answers to its own address only.");
    if (path.startsWith("/v1/")) return this.#forward(request, response);
    if (request.method !== "GET" && request.method !== "HEAD")
      return problem(response, 405, "not_found", "Files are read with GET.");
    this.#sendFile(path, request, response);
  }

  #sendFile(path: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const { files } = this.#options;
    const name = path.split("?")[0] ?? "";
    // A link into the page is a path of its router, not a file.
    const isPage = (headers.accept ?? "").includes("text/html");
    const file = files.get(name) ?? (isPage ? files.get("/index.html") : undefined);
    if (file === undefined) return problem(response, 404, "not_found", `There is no ${name}.`);
    response.writeHead(200, { "content-type": file.type, "cache-control": "no-cache" });
    response.end(file.body);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hungUp = new AbortController();
    response.once("close", () => hungUp.abort());
    try {
      const body = await readAll(request);
      const answer = await this.#options.transport({
        method: request.method ?? "GET",
        path: request.url ?? "/",
        headers: passedOn(request.headers),
        body: body === "" ? undefined : body,
        signal: hungUp.signal,
      });
      response.writeHead(answer.status, { "content-type": "application/json", ...NEVER_KEPT });
      response.end(answer.text);
    } catch (error) {
      if (hungUp.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      problem(response, 502, "unreachable", message);
    }
  }
}

const NEVER_KEPT = { "cache-control": "no-store" };
const PASSED_ON = ["authorization", "content-type", "accept", "idempotency-key"] as const;

/** Cookies and whatever else a browser adds stay here. */
function passedOn(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

function problem(
  response: ServerResponse,
  status: number,
  code: "not_found" | "unreachable",
  message: string,
): void {
  response.writeHead(status, { "content-type": "application/json", ...NEVER_KEPT });
  const { remedy } = ERRORS[code];
  response.end(JSON.stringify({ code, message, remedy, requestId: "ui" }));
}
