import {
  DownbeatError,
  LINES_MEDIA_TYPE,
  ROUTES,
  type LastLine,
  type LinesRouteName,
  type RouteInput,
  type RouteResponse,
  type RouteSpec,
} from "@downbeat/contract";
import type { Credentials } from "../caller.ts";
import type { OpenStream } from "../undici-transport.ts";
import { LinesUnderWay, type WrittenLine } from "./lines-under-way.ts";
import { streamLines, type StreamLinesOptions } from "./stream-lines.ts";

type Route<N extends LinesRouteName> = (typeof ROUTES)[N];

/** A line of a stream's body, and one of its answer. */
export type StreamInput<N extends LinesRouteName> = RouteInput<Route<N>>["body"];
export type StreamOutput<N extends LinesRouteName> = Exclude<RouteResponse<Route<N>>, LastLine>;

export type StreamOptions = Pick<StreamLinesOptions, "signal" | "random" | "pause">;

export type Streamer = {
  /**
   * Sends any number of lines to a route that takes lines, and yields the answer to each, in order. Lines are taken from
   * their source a little ahead of the answers, and answers are read as fast as they are taken: memory stays flat however many
   * there are. When the connection breaks, what was not answered is sent again by itself over another, provided that each such line
   * may be (a run with `runId` or `idempotencyKey`); a source that throws ends the stream after the answers to what came before.
   *
   * @throws {DownbeatError} with the API's code, `unreachable` or `response_invalid`; the message says how many were acknowledged
   * @example
   * const specs = years.map((year) => ({ flowName: "weather", runId: uuidv7(), tags: [year] }));
   * for await (const { runId, error } of client.stream("createRunStream", specs)) console.log(runId ?? error);
   */
  stream: <N extends LinesRouteName>(
    name: N,
    lines: Iterable<StreamInput<N>> | AsyncIterable<StreamInput<N>>,
    options?: StreamOptions,
  ) => AsyncIterable<StreamOutput<N>>;
};

/** Streams over connections that `openStream` makes, with the access tokens of `credentials`. */
export function createStreamer(openStream: OpenStream, credentials?: Credentials): Streamer {
  return {
    stream: (name, lines, options = {}) => {
      const spec: RouteSpec = ROUTES[name];
      const { method, path } = spec;
      const open: StreamLinesOptions["open"] = async (text, renew) => {
        const headers: Record<string, string> = {
          accept: LINES_MEDIA_TYPE,
          "content-type": LINES_MEDIA_TYPE,
        };
        if (credentials !== undefined)
          headers["authorization"] = `Bearer ${await credentials(renew)}`;
        return openStream({ method, path, headers, body: text, signal: options.signal });
      };
      const underWay = new LinesUnderWay(written(lines, spec));
      return streamLines({ spec, lines: underWay, open, ...options }) as AsyncIterable<never>;
    },
  };
}

async function* written(
  lines: Iterable<unknown> | AsyncIterable<unknown>,
  spec: RouteSpec,
): AsyncGenerator<WrittenLine> {
  for await (const line of lines) yield write(line as Record<string, unknown>, spec);
}

function write(line: Readonly<Record<string, unknown>>, { lines }: RouteSpec): WrittenLine {
  const isRepeatable = lines?.repeatableWith.some((name) => line[name] !== undefined) ?? false;
  return { text: `${JSON.stringify(line)}\n`, isRepeatable };
}

/** For clients that have to tell of each request before it goes: a stream is none that could be told of. */
export const NO_STREAMS: Streamer = {
  stream: () => {
    throw new DownbeatError("configuration_invalid", {
      message: "A client with `onSend` does not stream: call `createRuns` instead.",
    });
  },
};
