import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Caller } from "@downbeat/client";
import { DownbeatError, ERRORS, isDownbeatError, isErrorCode } from "@downbeat/contract";
import type { TriggerMaker } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import { readTrigger } from "./read-trigger.ts";

export type TriggerPortOptions = {
  readonly port: number;
  readonly host: string;
  /** Callers must send it as a bearer token; undefined lets everybody in who reaches the port. */
  readonly token: string | undefined;
  /** Checks and seals what a run is triggered with. */
  readonly triggers: Pick<TriggerMaker, "makeAll">;
  readonly client: Pick<Caller, "call">;
  readonly logger: Logger;
};

// A slow caller must not hold a connection for ever.
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Takes plain JSON inside the customer's network, where parameters may be seen, and forwards it sealed:
 * `POST /run/FLOW[/DEPLOYMENT]`. `POST /hook/FLOW[/DEPLOYMENT]` hands a webhook of somebody else to a flow as it came.
 */
export class TriggerPort {
  readonly #options: TriggerPortOptions;
  readonly #server: Server;

  private constructor(options: TriggerPortOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS;
  }

  /** @throws DownbeatError `port_taken`, `configuration_invalid` */
  static async open(options: TriggerPortOptions): Promise<TriggerPort> {
    const port = new TriggerPort(options);
    try {
      port.#server.listen(options.port, options.host);
      await once(port.#server, "listening");
    } catch (cause) {
      throw listenError(options, cause);
    }
    options.logger.info({ url: port.url }, "triggers are taken");
    return port;
  }

  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeIdleConnections();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const run = await this.#trigger(request);
      send(response, 201, { runId: run.id, flowName: run.flowName, state: run.state });
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  async #trigger(request: IncomingMessage) {
    const { token, triggers, client } = this.#options;
    const asked = await readTrigger(request, token);
    const [made] = await triggers.makeAll([asked]);
    if (made === undefined) throw new DownbeatError("internal");
    if ("refusal" in made) {
      const { code, message } = made.refusal;
      throw new DownbeatError(isErrorCode(code) ? code : "internal", { message });
    }
    return client.call("createRun", { body: made });
  }

  // The caller stands inside the network: it may be told what was wrong with its parameters. The log is not.
  #refuse(response: ServerResponse, error: unknown): void {
    const known = isDownbeatError(error) ? error : new DownbeatError("internal", { cause: error });
    const status = STATUS_HERE[known.code] ?? (ERRORS[known.code].status || 500);
    this.#options.logger.warn({ code: known.code, status }, "a trigger was refused");
    if (known.code === "internal")
      this.#options.logger.error({ err: error }, "a trigger could not be taken");
    const { code, message, remedy, issues } = known;
    send(response, status, { code, message, remedy, ...(issues.length > 0 && { issues }) });
  }
}

// Errors that arise at the client of the API have no status of their own.
const STATUS_HERE: Partial<Record<DownbeatError["code"], number>> = {
  parameters_invalid: 422,
  unreachable: 503,
  response_invalid: 502,
  key_wrong: 500,
};

function send(response: ServerResponse, status: number, body: unknown): void {
  // A body that was not read to its end would be taken for the next request.
  if (status >= 400) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function listenError({ host, port }: TriggerPortOptions, cause: unknown): DownbeatError {
  const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new DownbeatError(isTaken ? "port_taken" : "configuration_invalid", {
    message: `Triggers cannot be taken at ${host}:${port}; choose another --trigger-port.`,
    cause,
  });
}
