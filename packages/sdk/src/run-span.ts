import { createRequire } from "node:module";
import type * as OpenTelemetry from "@opentelemetry/api";
import { toErrorRecord } from "./error-record.ts";
import type { TaskState } from "./run-when.ts";

/** What a span is of: names, ids and counts, nothing that the run works with. */
export type SpanSubject = {
  readonly noun: "flow" | "task";
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** A W3C `traceparent`: the span in another process or thread whose child it is. Default: the one around this code. */
  readonly parent?: string | undefined;
};

/** The span of one flow run or task run, all its attempts included. */
export type RunSpan = {
  /** Names it in other processes and threads. */
  readonly traceparent: string;
  /** Calls code whose spans are to be children of this one. */
  around<T>(body: () => T): T;
  /** The run has entered a state. One between its beginning and its end becomes an event; its end is the span's. */
  entered(state: TaskState, attempt: number, error: unknown): void;
};

/**
 * The span of a run that enters this state, as a child of the span around this code. Undefined while the run has not
 * begun, and where no OpenTelemetry SDK is registered: then all this costs is a look at one global.
 */
export function startSpan({ type }: TaskState, subject: () => SpanSubject): RunSpan | undefined {
  const api = type === "PENDING" || type === "SCHEDULED" ? undefined : apiInUse();
  return api && new ApiSpan(api, subject());
}

/** Calls user code inside a span, if there is one: spans that it makes are children of it. */
export function inSpan<T>(span: RunSpan | undefined, body: () => T): T {
  return span === undefined ? body() : span.around(body);
}

/** The W3C `traceparent` of the span around this code; undefined when there is none. */
export function activeTraceparent(): string | undefined {
  const api = apiInUse();
  const context = api?.trace.getSpanContext(api.context.active());
  return api === undefined || context === undefined || !api.isSpanContextValid(context)
    ? undefined
    : traceparentOf(context);
}

/** Calls user code as if the span of another thread were around it, if there is one. */
export function inTrace<T>(traceparent: string | undefined, body: () => T): T {
  const api = traceparent === undefined ? undefined : apiInUse();
  if (api === undefined) return body();
  return api.context.with(contextBeneath(api, traceparent), body);
}

/** Has the SDK export what it has gathered, which would be lost with the process. */
export async function flushSpans(): Promise<void> {
  const provider = registered();
  await (provider?.getDelegate?.() ?? provider)?.forceFlush?.();
}

// Not exported: declarations that users compile must not need the types of an optional package.
class ApiSpan implements RunSpan {
  readonly #api: typeof OpenTelemetry;
  readonly #span: OpenTelemetry.Span;
  readonly #inside: OpenTelemetry.Context;
  #hasBegun = false;

  constructor(api: typeof OpenTelemetry, { noun, name, attributes, parent }: SpanSubject) {
    const around = contextBeneath(api, parent);
    this.#api = api;
    this.#span = api.trace
      .getTracer("@downbeat/sdk")
      .startSpan(`${noun} ${name}`, { attributes: { ...attributes } }, around);
    this.#inside = api.trace.setSpan(around, this.#span);
  }

  get traceparent(): string {
    return traceparentOf(this.#span.spanContext());
  }

  around<T>(body: () => T): T {
    return this.#api.context.with(this.#inside, body);
  }

  entered({ type, name }: TaskState, attempt: number, error: unknown): void {
    const isFailure = type === "FAILED" || name === "AwaitingRetry";
    const facts = {
      "downbeat.state.type": type,
      "downbeat.state.name": name,
      "downbeat.attempt": attempt,
      ...(isFailure && { "error.type": toErrorRecord(error).class }),
    };
    if (type !== "RUNNING" && type !== "SCHEDULED") {
      this.#span.setAttributes(facts);
      if (isFailure) this.#fail(error);
      this.#span.end();
    } else if (this.#hasBegun) this.#span.addEvent("downbeat.state", facts);
    this.#hasBegun = true;
  }

  // As a record: what is secret stays out of spans too.
  #fail(error: unknown): void {
    const { class: name, message, stack } = toErrorRecord(error);
    this.#span.recordException({ name, message, ...(stack !== undefined && { stack }) });
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }
}

function contextBeneath(
  api: typeof OpenTelemetry,
  traceparent: string | undefined,
): OpenTelemetry.Context {
  const around = api.context.active();
  if (traceparent === undefined) return around;
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  const traceFlags = Number.parseInt(flags, 16);
  return api.trace.setSpanContext(around, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf({ traceId, spanId, traceFlags }: OpenTelemetry.SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

type Flushable = { readonly forceFlush?: () => Promise<void> };
type Provider = Flushable & { readonly getDelegate?: () => Flushable };

// Where every copy of version 1 of the API finds the SDK. Looked at for each run: an SDK may be registered late.
const REGISTRY = Symbol.for("opentelemetry.js.api.1");
const shared = globalThis as { readonly [REGISTRY]?: { readonly trace?: Provider } };
let loaded: typeof OpenTelemetry | "absent" | undefined;

/** The API, where an SDK is registered that it would reach. */
function apiInUse(): typeof OpenTelemetry | undefined {
  if (registered() === undefined) return undefined;
  const api = (loaded ??= load());
  return api === "absent" ? undefined : api;
}

function registered(): Provider | undefined {
  return shared[REGISTRY]?.trace;
}

function load(): typeof OpenTelemetry | "absent" {
  try {
    return createRequire(import.meta.url)("@opentelemetry/api") as typeof OpenTelemetry;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    process.emitWarning(
      `flows and tasks get no OpenTelemetry spans, since @opentelemetry/api cannot be loaded from @downbeat/sdk; add it to your project (${reason})`,
      { code: "DOWNBEAT_NO_SPANS" },
    );
    return "absent";
  }
}
