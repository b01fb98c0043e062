import { DownbeatError, isDownbeatError, type ErrorCode, type Problem } from "@downbeat/contract";

/** An error as it is answered: status, body, and when to come back. */
export type ProblemAnswer = {
  readonly status: number;
  readonly problem: Problem;
  readonly retryAfterSeconds: number | undefined;
};

// What Fastify itself refuses, in the catalogue's words.
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "payload_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "body_malformed",
  FST_ERR_CTP_INVALID_JSON_BODY: "body_malformed",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "body_malformed",
  FST_ERR_BAD_URL: "not_found",
};

const RETRY_AFTER_SECONDS = 2;

/** Maps anything thrown to the catalogue. What a client cannot act on becomes `internal` or `unavailable`, without details. */
export function toDownbeatError(error: unknown): DownbeatError {
  if (isDownbeatError(error)) return fit(error);
  const { code, statusCode } = readFastifyError(error);
  const known = FASTIFY_CODES[code];
  if (known !== undefined) return new DownbeatError(known, { cause: error });
  if (statusCode >= 400 && statusCode < 500)
    return new DownbeatError("validation_failed", { cause: error });
  return new DownbeatError("internal", { cause: error });
}

/** Renders an error for the wire. The text of a 5xx is the catalogue's: what broke is for the log alone. */
export function answerProblem(error: DownbeatError, requestId: string): ProblemAnswer {
  const { code, status, remedy, issues } = error;
  const message = status >= 500 ? new DownbeatError(code).message : error.message;
  const problem: Problem = { code, message, remedy, requestId };
  if (issues.length > 0 && status < 500) problem.issues = issues.map((issue) => ({ ...issue }));
  const isTemporary = status === 429 || status === 503;
  const retryAfterSeconds =
    error.retryAfterSeconds ?? (isTemporary ? RETRY_AFTER_SECONDS : undefined);
  return { status, problem, retryAfterSeconds };
}

// Codes without a status arise on our side of the wire (no database, say): the caller can only come back later.
function fit(error: DownbeatError): DownbeatError {
  if (error.status !== 0) return error;
  return new DownbeatError(error.retryable ? "unavailable" : "internal", { cause: error });
}

function readFastifyError(error: unknown): { code: string; statusCode: number } {
  if (!(error instanceof Error)) return { code: "", statusCode: 500 };
  const { code = "", statusCode = 500 } = error as Error & { code?: unknown; statusCode?: unknown };
  return { code: String(code), statusCode: Number(statusCode) };
}
