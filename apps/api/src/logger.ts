import { pino, type Logger } from "pino";

const MOST_CHARACTERS = 500;

type LoggedError = {
  type: string;
  code?: string;
  message: string;
  stack: string | undefined;
  cause?: LoggedError;
};

/** The process's logger: JSON lines on stderr. Lines hold ids, codes and counts; never bodies. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, serializers: { err: serializeError } },
    pino.destination({ fd: 2, sync: true }),
  );
}

/**
 * Renders an error for the log: only the parts named here, since errors of libraries carry the values they choked on in
 * fields of their own.
 */
export function serializeError(error: unknown): LoggedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: "not an Error", stack: undefined };
  const { code } = error as Error & { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === "string" && { code }),
    message: error.message.slice(0, MOST_CHARACTERS),
    stack: error.stack
      ?.split("\n")
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 12)
      .join("\n"),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
