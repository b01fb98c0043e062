import { DownbeatError, isDownbeatError } from "@downbeat/contract";

// Prisma's codes for "cannot reach", "timed out", "closed by the server", "no connection came free".
const UNREACHABLE_PRISMA = new Set(["P1001", "P1002", "P1008", "P1011", "P1017", "P2024"]);
const UNREACHABLE_SYSTEM = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
// Connection exceptions (class 08) and operator intervention: shut down, crashed, starting up.
const UNREACHABLE_SQLSTATE = /^(08...|57P0[123])$/;
// What Prisma's adapters make of an error before anybody sees it.
const UNREACHABLE_KINDS = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
  "TlsConnectionError",
]);
const UNREACHABLE_WORDS =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool after calling end/;

/** Gives lost connections their own code; leaves every other error as it is. */
export function translateDatabaseError(error: unknown, where: string): unknown {
  if (isDownbeatError(error) || !isUnreachable(error)) return error;
  return new DownbeatError("database_unreachable", {
    message: `The database at ${where} could not be reached.`,
    cause: error,
  });
}

/** The five-character SQLSTATE of an error from the database, wherever Prisma put it. */
export function sqlStateOf(error: unknown): string | undefined {
  for (const text of codesOf(error))
    if (/^[0-9A-Z]{5}$/.test(text) && !text.startsWith("P")) return text;
  return undefined;
}

function isUnreachable(error: unknown): boolean {
  return (
    [...chain(error)].some(({ kind }) => typeof kind === "string" && UNREACHABLE_KINDS.has(kind)) ||
    codesOf(error).some(
      (code) =>
        UNREACHABLE_PRISMA.has(code) ||
        UNREACHABLE_SYSTEM.has(code) ||
        UNREACHABLE_SQLSTATE.test(code),
    ) ||
    messagesOf(error).some((message) => UNREACHABLE_WORDS.test(message))
  );
}

// An error may wrap another as `cause`, `meta.driverAdapterError` or one of several `errors`.
function* chain(error: unknown): Generator<Record<string, unknown>> {
  if (typeof error !== "object" || error === null) return;
  const here = error as Record<string, unknown>;
  yield here;
  yield* chain(here["cause"]);
  const meta = here["meta"];
  if (typeof meta === "object" && meta !== null) {
    yield meta as Record<string, unknown>;
    yield* chain((meta as Record<string, unknown>)["driverAdapterError"]);
  }
  if (Array.isArray(here["errors"])) for (const one of here["errors"]) yield* chain(one);
}

function codesOf(error: unknown): string[] {
  return [...chain(error)].flatMap((one) =>
    [one["code"], one["originalCode"]].filter((code): code is string => typeof code === "string"),
  );
}

function messagesOf(error: unknown): string[] {
  return [...chain(error)].flatMap((one) =>
    [one["message"], one["originalMessage"]].filter(
      (text): text is string => typeof text === "string",
    ),
  );
}
