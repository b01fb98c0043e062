import { Readable } from "node:stream";
import {
  BATCH_LIMIT,
  DownbeatError,
  LINE_LIMIT_BYTES,
  LINES_MEDIA_TYPE,
  type RouteReply,
  type RouteRequest,
  type RouteSpec,
} from "@downbeat/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from "fastify";
import { parseJson } from "../parse-json.ts";
import type { Principal } from "../auth/principal.ts";
import { logProblem } from "../plugins/errors.ts";
import { answerProblem, toDownbeatError, type ProblemAnswer } from "../problem.ts";
import { inputReader, type ReadInput } from "../read-input.ts";
import type { RequestContext } from "../request-context.ts";
import { answerLines } from "./answer-lines.ts";
import type { Line } from "./line-splitter.ts";
import type { OpenStreams } from "./open-streams.ts";

/** Beside the lines themselves: what a connection reads at once, on its way in and out. */
const BUFFER_BYTES = 256 * 1024;

/** A line as its schema has it, or why it is none. */
export type AskedLine<R extends RouteSpec> =
  | { readonly body: (RouteRequest<R> & { readonly body: unknown })["body"] }
  | { readonly error: DownbeatError };

export type LinesCall<R extends RouteSpec> = {
  readonly ctx: RequestContext;
  /** Those that have arrived while others were being answered, at most {@link BATCH_LIMIT}. */
  readonly lines: readonly AskedLine<R>[];
  /** Aborts when nothing more is to be begun: the caller hung up, or the API is being stopped. */
  readonly signal: AbortSignal;
};

/** Answers each of the lines, in order, also those that are none. What it throws ends the stream with a `LastLine`. */
export type LinesHandler<R extends RouteSpec> = (
  call: LinesCall<R>,
) => Promise<readonly RouteReply<R>[]>;

export type RouteOfLines<R extends RouteSpec> = {
  readonly spec: R;
  readonly handler: LinesHandler<R>;
  readonly contextOf: (request: FastifyRequest, reply: FastifyReply) => RequestContext | undefined;
  /** Credentials and role, checked before anything of the body is read. */
  readonly guard: RouteShorthandOptions;
  /** Makes the check whether who began a stream may go on with it. */
  readonly checkOf: (principal: Principal) => () => Promise<void>;
  readonly streams: OpenStreams;
  readonly checkResponses: boolean;
};

/** Registers a route whose body and answer are lines. Its body is neither parsed nor limited as a whole. */
export function registerRouteOfLines<R extends RouteSpec>(
  app: FastifyInstance,
  route: RouteOfLines<R>,
): void {
  const { spec, guard } = route;
  const respond = responder(route);
  void app.register(async (scope) => {
    acceptLines(scope);
    scope.route({
      ...guard,
      method: spec.method,
      url: spec.path,
      config: { holdsBytes: LINE_LIMIT_BYTES + BUFFER_BYTES },
      handler: respond,
    });
  });
}

function acceptLines(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(LINES_MEDIA_TYPE, (_request, body, done) => done(null, body));
  scope.addContentTypeParser("*", (_request, _body, done) =>
    done(
      new DownbeatError("body_malformed", {
        message: `This takes lines of JSON, with content-type ${LINES_MEDIA_TYPE}.`,
      }),
    ),
  );
}

function responder<R extends RouteSpec>({ spec, handler, ...route }: RouteOfLines<R>) {
  const readHead = inputReader({ ...spec, body: undefined });
  const readBody = inputReader(spec);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    readHead({ params: request.params, query: request.query, body: undefined }, undefined);
    const ctx = route.contextOf(request, reply) as RequestContext;
    reply.hijack();
    const response = reply.raw;
    const signal = route.streams.begin(response);
    const checkStanding = route.checkOf(ctx.principal);
    response.writeHead(spec.status ?? 200, HEADERS).flushHeaders();
    await answerLines<AskedLine<R>>({
      body: (request.body as Readable | undefined) ?? Readable.from([]),
      response,
      inbox: {
        read: lineReader<R>(readBody, request),
        longestLineBytes: LINE_LIMIT_BYTES,
        maxItems: BATCH_LIMIT,
        signal,
      },
      answer: async (lines) => {
        await checkStanding();
        const answers = await handler({ ctx, lines, signal });
        return route.checkResponses ? answers.map((one) => spec.response.parse(one)) : answers;
      },
      describe: (error) => describe(signal.aborted ? signal.reason : error, request),
    });
  };
}

// Proxies are asked not to keep lines back until they have many.
const HEADERS = {
  "content-type": LINES_MEDIA_TYPE,
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

function lineReader<R extends RouteSpec>(read: ReadInput, request: FastifyRequest) {
  const { params, query, principal } = request;
  return (line: Line): AskedLine<R> | undefined => {
    try {
      if (line === "too long") throw tooLong();
      const text = line.bytes.toString();
      if (text.trim() === "") return undefined;
      const body = parseJson(text, "The line");
      return read({ params, query, body }, principal?.workspaceId) as AskedLine<R>;
    } catch (error) {
      return { error: toDownbeatError(error) };
    }
  };
}

function tooLong(): DownbeatError {
  const message = `The line is longer than ${LINE_LIMIT_BYTES} bytes.`;
  return new DownbeatError("payload_too_large", { message });
}

function describe(thrown: unknown, request: FastifyRequest): ProblemAnswer {
  const error = toDownbeatError(thrown);
  logProblem(error, request);
  return answerProblem(error, request.id);
}
