import type { Dispatcher } from "undici";
import type { TransportResponse } from "./caller.ts";

/**
 * Sends a request and resolves with its whole answer, read as UTF-8. As undici's `request` and `body.text()`, without the stream in
 * between, which takes longer to make than a short answer takes to read.
 *
 * @throws what undici throws when the connection breaks; the signal's reason when it is aborted
 */
export async function wholeAnswer(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<TransportResponse> {
  signal?.throwIfAborted();
  const handler = new AnswerHandler();
  const abort = (): void => handler.abort(signal?.reason as Error);
  signal?.addEventListener("abort", abort);
  try {
    dispatcher.dispatch(options, handler);
    return await handler.answer;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly answer: Promise<TransportResponse>;
  #resolve!: (answer: TransportResponse) => void;
  #reject!: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #abortedFor: Error | undefined;
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Rejects at once, also while no connection is free. */
  abort(reason: Error): void {
    this.#abortedFor = reason;
    this.#controller?.abort(reason);
    this.#reject(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abortedFor !== undefined) controller.abort(this.#abortedFor);
  }

  // More than once if there are answers of 1xx before.
  onResponseStart(_: unknown, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [only, ...others] = this.#chunks;
    const body = only !== undefined && others.length === 0 ? only : Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status,
      header: (name) => single(this.#headers[name]),
      text: body.toString("utf8"),
    });
  }

  onResponseError(_: unknown, error: Error): void {
    this.#reject(error);
  }
}

/** The first value of a header. */
export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
