import { pino, type Logger } from "pino";

type LoggedError = { type: string; code?: string; message: string; cause?: LoggedError };

const LONGEST_MESSAGE = 300;

/** The agent's logger: JSON lines on stderr. They hold ids, codes and counts, never what flows say or are given. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, serializers: { err: serializeError } },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** Only the parts named here: errors of libraries carry the values they choked on in fields of their own. */
function serializeError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: "not an Error" };
  const { code } = error as Error & { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === "string" && { code }),
    message: error.message.slice(0, LONGEST_MESSAGE),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
