import { isNonRetriable, NonRetriableError } from "../errors.ts";

/** Something thrown, as it travels between threads: a structured clone would lose its class. */
export type ThreadError =
  | { readonly thrown: unknown }
  | {
      readonly className: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly isNonRetriable: boolean;
      readonly cause: ThreadError | undefined;
    };

const DEEPEST_CAUSE = 4;

export function toThreadError(thrown: unknown, depthLeft = DEEPEST_CAUSE): ThreadError {
  if (!(thrown instanceof Error)) return { thrown };
  const { cause, message, stack } = thrown;
  return {
    className: thrown.name === "Error" ? thrown.constructor.name : thrown.name,
    message,
    stack,
    fields: fieldsOf(thrown),
    isNonRetriable: isNonRetriable(thrown),
    cause: cause === undefined || depthLeft === 0 ? undefined : toThreadError(cause, depthLeft - 1),
  };
}

/** The error as this thread can have it: of the same class if the language has it, else of the same name. */
export function fromThreadError(it: ThreadError): unknown {
  if ("thrown" in it) return it.thrown;
  const Class = it.isNonRetriable ? NonRetriableError : builtInClass(it.className);
  const cause = it.cause === undefined ? undefined : { cause: fromThreadError(it.cause) };
  const error = Object.assign(new Class(it.message, cause), it.fields);
  for (const [key, value] of [
    ["name", it.className],
    ["stack", it.stack],
  ] as const)
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  return error;
}

function fieldsOf(error: Error): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(error).filter(([key, value]) => key !== "name" && isCloneable(value)),
  );
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false; // it stays behind; the rest of the error matters more
  }
}

const BUILT_IN = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function builtInClass(name: string): ErrorConstructor {
  return (
    Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name as keyof typeof BUILT_IN] : Error
  ) as ErrorConstructor;
}
