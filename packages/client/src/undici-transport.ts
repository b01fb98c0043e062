import { DownbeatError } from "@downbeat/contract";
import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from "undici";
import type { Transport } from "./caller.ts";

/** Longer than the longest held claim or log read, shorter than what a person would wait for a dead host. */
const HEADERS_TIMEOUT_MS = 40_000;
const CONNECT_TIMEOUT_MS = 10_000;

export type UndiciTransport = {
  readonly transport: Transport;
  readonly close: () => Promise<void>;
};

/**
 * Speaks HTTP/1.1 with keep-alive through undici. Honours HTTP(S)_PROXY and NO_PROXY, except for loopback addresses.
 *
 * @param apiUrl origin of the API, for instance `http://127.0.0.1:4200`
 */
export function createUndiciTransport(apiUrl: string): UndiciTransport {
  const origin = parseOrigin(apiUrl);
  const dispatcher = dispatcherFor(origin);
  return {
    transport: async ({ method, path, headers, body, signal }) => {
      try {
        const response = await request(`${origin.origin}${path}`, {
          method: method as Dispatcher.HttpMethod,
          headers,
          body: body ?? null,
          signal: signal ?? null,
          dispatcher,
        });
        const text = await response.body.text();
        return {
          status: response.statusCode,
          header: (name) => single(response.headers[name]),
          text,
        };
      } catch (cause) {
        if (signal?.aborted === true) throw cause;
        throw new DownbeatError("unreachable", {
          message: `The API at ${origin.origin} could not be reached (${method} ${path.split("?")[0]}): ${describe(cause)}.`,
          cause,
        });
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function parseOrigin(apiUrl: string): URL {
  try {
    return new URL(apiUrl);
  } catch (cause) {
    throw new DownbeatError("configuration_invalid", {
      message: `"${apiUrl}" is not a URL of an API.`,
      cause,
    });
  }
}

function dispatcherFor(origin: URL): Dispatcher {
  const options = {
    connections: 16,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: HEADERS_TIMEOUT_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  };
  const isLoopback = ["127.0.0.1", "localhost", "[::1]"].includes(origin.hostname);
  return isLoopback ? new Agent(options) : new EnvHttpProxyAgent(options);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as NodeJS.ErrnoException).code;
  return cause.message === "" ? (code ?? cause.name) : cause.message;
}
