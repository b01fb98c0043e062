import {
  DownbeatError,
  LINES_MEDIA_TYPE,
  type ErrorCode,
  type Problem,
  type RouteSpec,
} from "@downbeat/contract";

/** A body as a route wants it: JSON, or one line of it. */
export function requestBody(
  { lines }: RouteSpec,
  body: unknown,
): { readonly payload: string; readonly headers: Record<string, string> } {
  const type = lines === undefined ? "application/json" : LINES_MEDIA_TYPE;
  return { payload: JSON.stringify(body), headers: { "content-type": type } };
}

type Answer = { readonly status: number; readonly json: unknown };

/** How a single line fared, told as if it had been a request of its own. */
export function asRequestOfItsOwn({ lines }: RouteSpec, answer: Answer): Answer {
  const { error } = answer.json as { error?: Omit<Problem, "remedy" | "requestId"> | null };
  if (lines === undefined || error === undefined || error === null) return answer;
  const { status, remedy } = new DownbeatError(error.code as ErrorCode);
  return { status, json: { ...error, remedy, requestId: "" } };
}
