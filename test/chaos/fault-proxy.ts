import { once } from "node:events";
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { PassedCall } from "./wire-log.ts";

/**
 * What becomes of a call: `none`; `drop` lets the API do and commit everything, then cuts the caller off instead of
 * passing on the answer; `delay` passes it on late; `half-open` never answers and never hangs up.
 */
export type Fault = "none" | "drop" | "delay" | "half-open";

export type FaultProxyOptions = {
  /** Origins to forward to, in turn; asked anew for each call. */
  readonly upstreams: () => readonly string[];
  /** Decides the fate of each call. Default: always `none`. */
  readonly faultFor?: () => Fault;
  readonly delayMs?: () => number;
  /** Is told every call that the API has answered, whether the caller gets the answer or not. */
  readonly onPassed?: (call: PassedCall) => void;
};

const NOBODY_THERE = new Set(["ECONNREFUSED"]);

/** A proxy between callers and API that breaks things on purpose. With several upstreams it takes turns. */
export class FaultProxy {
  /** Calls by the status that the API answered. */
  readonly statuses: Record<string, number> = {};
  /** Calls by what was done to them; `cut` are those that an upstream broke off. */
  readonly faults: Record<Fault | "cut", number> = {
    none: 0,
    drop: 0,
    delay: 0,
    "half-open": 0,
    cut: 0,
  };
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  #turn = 0;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#server = createServer((incoming, outgoing) => void this.#handle(incoming, outgoing));
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const fault = this.#options.faultFor?.() ?? "none";
    try {
      const body = await readAll(incoming);
      const answer = await this.#forward(incoming, outgoing, body);
      const status = String(answer.statusCode);
      this.statuses[status] = (this.statuses[status] ?? 0) + 1;
      const answerBody = await readAll(answer); // after this the API has committed and said so
      this.faults[fault] += 1;
      this.#options.onPassed?.({
        path: incoming.url ?? "",
        status: answer.statusCode ?? 0,
        requestBody: body.toString(),
        answerBody: answerBody.toString(),
      });
      if (fault === "delay") await pause(this.#options.delayMs?.() ?? 0);
      if (fault === "drop") outgoing.destroy();
      else if (fault !== "half-open")
        outgoing.writeHead(answer.statusCode ?? 502, headersOf(answer)).end(answerBody);
    } catch {
      // The upstream died under the call, or the caller left: nobody is told, as on a real network.
      this.faults.cut += 1;
      outgoing.destroy();
    }
  }

  /** Tries each upstream once, as long as nobody is there; after that a call may have been heard and is not repeated. */
  async #forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
  ): Promise<IncomingMessage> {
    const upstreams = this.#options.upstreams();
    for (let tries = 1; ; tries += 1) {
      this.#turn += 1;
      const origin = upstreams[this.#turn % upstreams.length] ?? "";
      try {
        return await this.#send(origin, incoming, outgoing, body);
      } catch (error) {
        const isAbsent = NOBODY_THERE.has((error as NodeJS.ErrnoException).code ?? "");
        if (!isAbsent || tries >= upstreams.length) throw error;
      }
    }
  }

  async #send(
    origin: string,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
  ): Promise<IncomingMessage> {
    const { method = "GET", url = "/", headers } = incoming;
    const upstream = request(new URL(url, origin), { method, headers, agent: this.#agent });
    // A caller that hangs up ends the call upstream too, or the API would hold a claim for nobody.
    const leave = () => upstream.destroy();
    outgoing.once("close", leave);
    upstream.end(body);
    const [answer] = (await once(upstream, "response")) as [IncomingMessage];
    upstream.on("error", () => {}); // reading the answer reports it
    return answer;
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headersOf(answer: IncomingMessage): Record<string, string | string[]> {
  const { connection: _, "transfer-encoding": __, ...rest } = answer.headers;
  return rest as Record<string, string | string[]>;
}
