import { pino, type DestinationStream, type Logger } from "pino";
import { isRefusal } from "./refusal.ts";

const MOST_CHARACTERS = 500;

type LoggedError = {
  type: string;
  code?: string;
  message: string;
  stack: string | undefined;
  cause?: LoggedError;
};

/** The process's logger: JSON lines, on stderr by default. Lines hold ids, codes and counts; never bodies. */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino({ level, base: null, serializers: { err: serializeError } }, destination);
}

/**
 * Renders an error for the log: only the parts named here, since errors of libraries carry the values they choked on in
 * fields of their own. Refusals and their causes are without a stack: nothing is to be mended at the place they arose.
 */
export function serializeError(error: unknown): LoggedError {
  return serialize(error, !isRefusal(error));
}

function serialize(error: unknown, withStack: boolean): LoggedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: "not an Error", stack: undefined };
  const { code } = error as Error & { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === "string" && { code }),
    message: error.message.slice(0, MOST_CHARACTERS),
    stack: withStack ? placeOf(error) : undefined,
    ...(error.cause !== undefined && { cause: serialize(error.cause, withStack) }),
  };
}

function placeOf({ stack }: Error): string | undefined {
  return stack
    ?.split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .join("\n");
}
