import { DownbeatError, isErrorCode, type ErrorIssue, type RouteSpec } from "@downbeat/contract";
import type { TransportResponse } from "./caller.ts";

/** @throws {DownbeatError} `response_invalid` */
export function parseAnswer(spec: RouteSpec, response: TransportResponse): unknown {
  try {
    return JSON.parse(response.text);
  } catch (cause) {
    throw new DownbeatError("response_invalid", {
      message: `${spec.method} ${spec.path} answered ${response.status} with something that is not JSON: ${response.text.slice(0, 80)}`,
      cause,
    });
  }
}

/** The error that an answer without success tells of; `response_invalid` when it tells of none that this version knows. */
export function problemOf(
  spec: RouteSpec,
  response: Pick<TransportResponse, "status" | "header">,
  body: unknown,
): DownbeatError {
  const problem = (typeof body === "object" && body !== null ? body : {}) as {
    code?: string;
    message?: string;
    requestId?: string;
    issues?: ErrorIssue[];
  };
  if (problem.code === undefined || !isErrorCode(problem.code)) {
    return new DownbeatError("response_invalid", {
      message: `${spec.method} ${spec.path} answered ${response.status} without an error code this version knows.`,
    });
  }
  const retryAfter = Number(response.header("retry-after"));
  return new DownbeatError(problem.code, {
    message: problem.message,
    issues: problem.issues,
    requestId: problem.requestId,
    retryAfterSeconds: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined,
  });
}
