import { Readable } from "node:stream";
import { DownbeatError } from "@downbeat/contract";
import { Agent, EnvHttpProxyAgent, type Dispatcher } from "undici";
import type { Transport, TransportRequest } from "./caller.ts";
import type { StreamedAnswer } from "./stream/stream-lines.ts";
import { single, wholeAnswer } from "./whole-answer.ts";

/** Longer than the longest held claim or log read, shorter than what a person would wait for a dead host. */
const HEADERS_TIMEOUT_MS = 40_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Of an answer that comes line by line: longer than the API lets a connection stand idle, so whoever is silent for so long is gone. */
const STREAM_SILENCE_MS = 150_000;

export type StreamRequest = Omit<TransportRequest, "body"> & {
  readonly body: AsyncIterable<string>;
};

/**
 * Sends a request whose body is made meanwhile; resolves as soon as its answer begins. Both throw a {@link DownbeatError}
 * `unreachable` when the connection breaks.
 */
export type OpenStream = (request: StreamRequest) => Promise<StreamedAnswer>;

export type UndiciTransport = {
  readonly transport: Transport;
  readonly openStream: OpenStream;
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
    transport: (asked) =>
      reaching(origin, asked, () =>
        wholeAnswer(
          dispatcher,
          { ...aimed(origin, asked), body: asked.body ?? null },
          asked.signal,
        ),
      ),
    openStream: (asked) =>
      reaching(origin, asked, async () => {
        const { statusCode, headers, body } = await dispatcher.request({
          ...aimed(origin, asked),
          body: Readable.from(asked.body, { objectMode: false }),
          bodyTimeout: STREAM_SILENCE_MS,
          signal: asked.signal ?? null,
        });
        const header = (name: string) => single(headers[name]);
        return { status: statusCode, header, body: reachingOn(origin, asked, body) };
      }),
    close: () => dispatcher.destroy(),
  };
}

type Asked = Omit<TransportRequest, "body">;

function aimed({ origin }: URL, { method, path, headers }: Asked) {
  return { origin, path, method: method as Dispatcher.HttpMethod, headers };
}

async function reaching<T>(origin: URL, asked: Asked, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw notReached(origin, asked, cause);
  }
}

async function* reachingOn(origin: URL, asked: Asked, answer: AsyncIterable<Uint8Array>) {
  try {
    yield* answer;
  } catch (cause) {
    throw notReached(origin, asked, cause);
  }
}

function notReached(origin: URL, { method, path, signal }: Asked, cause: unknown): unknown {
  if (signal?.aborted === true) return cause;
  return new DownbeatError("unreachable", {
    message: `The API at ${origin.origin} could not be reached (${method} ${path.split("?")[0]}): ${describe(cause)}.`,
    cause,
  });
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

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as NodeJS.ErrnoException).code;
  return cause.message === "" ? (code ?? cause.name) : cause.message;
}
