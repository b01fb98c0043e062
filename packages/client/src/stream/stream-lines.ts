import { setTimeout as timeout } from "node:timers/promises";
import {
  DownbeatError,
  isDownbeatError,
  isErrorCode,
  type LastLine,
  type RouteSpec,
} from "@downbeat/contract";
import type { TransportResponse } from "../caller.ts";
import { problemOf } from "../read-problem.ts";
import { pauseAfterFailure } from "./after-failure.ts";
import type { LinesUnderWay } from "./lines-under-way.ts";
import { readLines } from "./read-lines.ts";

/** An answer that is being received. */
export type StreamedAnswer = Pick<TransportResponse, "status" | "header"> & {
  readonly body: AsyncIterable<Uint8Array>;
};

export type StreamLinesOptions = {
  readonly spec: RouteSpec;
  readonly lines: LinesUnderWay;
  /** Sends the text and waits for the answer to begin. `renew`: the last access token was refused. */
  readonly open: (text: AsyncIterable<string>, renew: boolean) => Promise<StreamedAnswer>;
  readonly signal?: AbortSignal | undefined;
  /** Number in [0, 1); by default by chance. */
  readonly random?: (() => number) | undefined;
  /** Waits between connections; by default by the clock. */
  readonly pause?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
};

/**
 * Sends lines and yields the answer to each, in order, over as many connections as it takes.
 *
 * @throws {DownbeatError} when a stream broke off and cannot go on; what the source of the lines threw
 */
export async function* streamLines(options: StreamLinesOptions): AsyncGenerator<unknown> {
  const { lines, signal, random = Math.random, pause = pauseByClock } = options;
  const stop = (): void => lines.close();
  signal?.addEventListener("abort", stop);
  const state: State = { answered: 0, failures: 0, renew: false, mayHaveTaken: false };
  try {
    while (await lines.hasMore()) {
      signal?.throwIfAborted();
      try {
        yield* answersOver(options, state);
      } catch (error) {
        signal?.throwIfAborted();
        const pauseMs = lines.unansweredCount === 0 ? 0 : pauseBefore(error, lines, state, random);
        if (pauseMs === undefined) throw brokenOff(error, state.answered, options);
        if (pauseMs > 0) await pause(pauseMs, signal);
      }
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", stop);
    lines.close();
  }
}

type State = {
  answered: number;
  /** Connections in a row over which nothing was answered. */
  failures: number;
  /** The access token was refused. */
  renew: boolean;
  /** The API may have taken lines over the present connection. */
  mayHaveTaken: boolean;
};

/** Over one connection. Returns when the API has answered everything. */
async function* answersOver(
  { spec, lines, open }: StreamLinesOptions,
  state: State,
): AsyncGenerator<unknown> {
  state.failures += 1;
  state.mayHaveTaken = true; // until it is known better
  const answer = await open(lines.text(), state.renew);
  if (answer.status !== (spec.status ?? 200)) {
    state.mayHaveTaken = false; // refused before anything of the body was read
    throw await refusalOf(spec, answer);
  }
  state.renew = false;
  for await (const text of readLines(answer.body)) {
    const line = parseLine(spec, text);
    if (isLastLine(line)) throw endOf(line);
    if (lines.unansweredCount === 0) throw tooManyAnswers(spec);
    lines.answered();
    state.answered += 1;
    state.failures = 0;
    yield line;
  }
  if (!lines.isDone) throw endedEarly(spec);
}

function pauseBefore(
  error: unknown,
  { areRepeatable }: LinesUnderWay,
  state: State,
  random: () => number,
): number | undefined {
  const { failures, mayHaveTaken } = state;
  // A token may expire between being fetched and being used: one renewal, never more.
  if (isDownbeatError(error) && error.status === 401 && !mayHaveTaken) {
    if (state.renew) return undefined;
    state.renew = true;
    return 0;
  }
  return pauseAfterFailure({ error, mayHaveTaken, areRepeatable, failures }, random);
}

async function refusalOf(spec: RouteSpec, answer: StreamedAnswer): Promise<DownbeatError> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return problemOf(spec, answer, jsonOf(Buffer.concat(chunks).toString()));
}

function isLastLine(line: object): line is LastLine {
  return "problem" in line;
}

function parseLine(spec: RouteSpec, text: string): object {
  const line = jsonOf(text);
  if (typeof line === "object" && line !== null) return line;
  throw new DownbeatError("response_invalid", {
    message: `${spec.method} ${spec.path} answered a line that is not JSON: ${text.slice(0, 80)}`,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whoever asks says what it means
  }
}

function endOf({ problem }: LastLine): DownbeatError {
  const { code, message, requestId, retryAfterSeconds, issues } = problem;
  if (isErrorCode(code))
    return new DownbeatError(code, { message, requestId, retryAfterSeconds, issues });
  return new DownbeatError("response_invalid", {
    message: `The stream ended with "${code}", which this version does not know: ${message}`,
  });
}

function tooManyAnswers({ method, path }: RouteSpec): DownbeatError {
  const message = `${method} ${path} answered more lines than it was sent.`;
  return new DownbeatError("response_invalid", { message });
}

function endedEarly({ method, path }: RouteSpec): DownbeatError {
  const message = `${method} ${path} ended before every line was answered.`;
  return new DownbeatError("unreachable", { message });
}

function brokenOff(error: unknown, answered: number, { lines, spec }: StreamLinesOptions): unknown {
  if (!isDownbeatError(error)) return error;
  const { code, requestId, retryAfterSeconds, issues } = error;
  const fields = spec.lines?.repeatableWith.map((name) => `\`${name}\``).join(" or ");
  const advice = lines.areRepeatable
    ? ""
    : ` It cannot be resumed by itself, since lines without ${fields} would be made twice.`;
  const message = `The stream broke off after ${answered} of its lines were acknowledged: ${error.message}${advice}`;
  return new DownbeatError(code, { message, requestId, retryAfterSeconds, issues, cause: error });
}

async function pauseByClock(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await timeout(ms, undefined, signal && { signal });
}
