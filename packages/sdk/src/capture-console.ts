import { format } from "node:util";
import { currentFrame } from "./frame.ts";
import { recordLine } from "./log.ts";
import type { LogLevel } from "./run-host.ts";

const LEVELS = {
  debug: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
  trace: "error",
} as const satisfies Partial<Record<keyof Console, LogLevel>>;

type Method = keyof typeof LEVELS;

let capturesAll = false;
let putBack: (() => void) | undefined;

/**
 * From now on, what code inside a run writes to `console` becomes part of that run's log; each line finds its own run,
 * however many go on at once. Under an agent it is no longer printed there; in a plain script it is printed as before, and
 * outside any run `console` does what it always did. Calling it again changes nothing. A flow's own `captureConsole` counts
 * more, and an agent captures without this where DOWNBEAT_CAPTURE_CONSOLE says so.
 *
 * @returns What ends it and puts `console` back.
 * @example
 * captureConsole();
 */
export function captureConsole(): () => void {
  capturesAll = true;
  watchConsole();
  return () => {
    capturesAll = false;
    putBack?.();
  };
}

/** Has `console` ask of each line whether the run around it wants it. */
export function watchConsole(): void {
  putBack ??= replaceMethods(globalThis.console);
}

function replaceMethods(target: Console): () => void {
  const methods = Object.keys(LEVELS) as Method[];
  const originals = methods.map((method) => [method, target[method]] as const);
  for (const [method, original] of originals) target[method] = capturing(target, method, original);
  return () => {
    for (const [method, original] of originals) target[method] = original;
    putBack = undefined;
  };
}

function capturing(target: Console, method: Method, original: Console[Method]): Console[Method] {
  return (...values: unknown[]) => {
    const scope = currentFrame()?.scope;
    const isCaptured = scope !== undefined && (scope.capturesConsole ?? capturesAll);
    if (isCaptured) recordLine(LEVELS[method], format(...values), undefined);
    if (!isCaptured || scope.printsLogs) Reflect.apply(original, target, values);
  };
}
