import { EXIT } from "./exit-codes.ts";

/** Thrown out of a wait that Ctrl-C ended. */
export class Interrupted extends Error {
  readonly exitCode = EXIT.interrupted.code;

  constructor() {
    super("interrupted");
    this.name = "Interrupted";
  }
}

/** Aborts with {@link Interrupted} on the first Ctrl-C; a second one kills the process as usual. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort(new Interrupted()));
  return controller.signal;
}

/** Whether a wait ended because of Ctrl-C, however the layer in between reported the abort. */
export function isInterruption(error: unknown, signal?: AbortSignal): boolean {
  if (error instanceof Interrupted || signal?.reason instanceof Interrupted) return true;
  return error instanceof Error && error.cause !== undefined && isInterruption(error.cause);
}
