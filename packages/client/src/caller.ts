import {
  ROUTES,
  type CallRouteName,
  type RouteInput,
  type RouteName,
  type RouteResponse,
  type RouteSpec,
} from "@downbeat/contract";
import { parseAnswer, problemOf } from "./read-problem.ts";
import { refuseOtherRun } from "./refuse-other-run.ts";

export type TransportRequest = {
  readonly method: string;
  /** Path with query, beginning with a slash. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
};

export type TransportResponse = {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
};

/** Carries a request to the API. Throws a {@link DownbeatError} `unreachable` when there is no answer. */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

/** Yields access tokens; `renew` is true after the API refused the last one. */
export type Credentials = (renew: boolean) => Promise<string>;

export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Record<string, string>;
};

export type Caller = {
  /**
   * Calls a route of the contract by name.
   *
   * @throws {DownbeatError} with the API's code, or `unreachable`, or `response_invalid`
   * @example
   * const run = await caller.call("readRun", { params: { runId } });
   */
  call: <N extends CallRouteName>(
    name: N,
    input: RouteInput<(typeof ROUTES)[N]>,
    options?: CallOptions,
  ) => Promise<RouteResponse<(typeof ROUTES)[N]>>;
};

/** A request about to be sent. */
export type Sending = {
  readonly route: RouteName;
  readonly input: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown };
  readonly request: TransportRequest;
};

/** Is told of each request before it goes, also of repeated ones. What it throws keeps the request from being sent. */
export type OnSend = (sending: Sending) => Promise<void>;

/** A typed client over any transport: undici in Node, `fetch` in the browser. */
export function createCaller(
  transport: Transport,
  credentials?: Credentials,
  onSend?: OnSend,
): Caller {
  return {
    async call(name, input, options = {}) {
      const spec: RouteSpec = ROUTES[name];
      const needsToken = credentials !== undefined && !spec.access.includes("public");
      const send = async (renew: boolean): Promise<TransportResponse> => {
        const request = requestFor(spec, input as LooseInput, options);
        if (needsToken) request.headers["authorization"] = `Bearer ${await credentials(renew)}`;
        await onSend?.({ route: name, input: input as Sending["input"], request });
        return transport(request);
      };
      let response = await send(false);
      // A token may expire between being fetched and being used: one renewal, never more.
      if (response.status === 401 && needsToken) response = await send(true);
      const answer = read(spec, response);
      refuseOtherRun((input as LooseInput).params?.["runId"], answer);
      return answer as never; // the route table ties this schema's type to the name
    },
  };
}

type Scalar = string | number | boolean;
type LooseInput = {
  params?: Record<string, Scalar>;
  query?: Record<string, Scalar | readonly Scalar[] | undefined>;
  body?: unknown;
};

function requestFor(spec: RouteSpec, input: LooseInput, options: CallOptions): TransportRequest {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (input.body !== undefined) headers["content-type"] = "application/json";
  return {
    method: spec.method,
    path: pathFor(spec.path, input),
    headers,
    body: input.body === undefined ? undefined : JSON.stringify(input.body),
    signal: options.signal,
  };
}

function pathFor(template: string, { params, query }: LooseInput): string {
  const path = template.replaceAll(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(params?.[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined)
      search.set(name, typeof value === "object" ? value.join(",") : String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

function read(spec: RouteSpec, response: TransportResponse): unknown {
  const body = parseAnswer(spec, response);
  if (response.status >= 200 && response.status < 300) return body;
  throw problemOf(spec, response, body);
}
