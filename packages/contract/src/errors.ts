import { ERRORS } from "./error-catalogue.ts";
import type { ErrorCode } from "./error-catalogue.ts";

export { ERRORS } from "./error-catalogue.ts";
export type { ErrorCode } from "./error-catalogue.ts";
export type { ErrorEntry } from "./error-entry.ts";

export type ErrorIssue = { readonly path: string; readonly message: string };

const BRAND = Symbol.for("downbeat.error");

/**
 * The one error class. `message` says what failed and with which value; `remedy` what to do about it.
 *
 * @example
 * throw new DownbeatError("pool_not_found", { message: `No work pool "eu" exists.` });
 */
export class DownbeatError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly ErrorIssue[];
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, options: DownbeatErrorOptions = {}) {
    super(
      options.message ?? ERRORS[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "DownbeatError";
    this.code = code;
    this.issues = options.issues ?? [];
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
}

export type DownbeatErrorOptions = {
  message?: string | undefined;
  issues?: readonly ErrorIssue[] | undefined;
  requestId?: string | undefined;
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
};

/** Recognises the error across copies of this package, which `instanceof` does not. */
export function isDownbeatError(value: unknown): value is DownbeatError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/**
 * Whether the same request may succeed later, for whoever goes on trying. Besides what the catalogue calls retryable these
 * are refusals that a person can put right meanwhile (credentials), and answers of something between here and the API (a
 * proxy's error page).
 */
export function mayPass(error: unknown): boolean {
  if (!isDownbeatError(error)) return false;
  return error.retryable || MENDABLE.has(error.code);
}

const MENDABLE: ReadonlySet<ErrorCode> = new Set([
  "response_invalid",
  "credentials_invalid",
  "credentials_missing",
  "role_insufficient",
]);

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERRORS, value);
}
