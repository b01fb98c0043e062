import { currentFrame } from "./frame.ts";
import { recordLine } from "./log.ts";
import type { LogLevel } from "./run-host.ts";

const LEAST: readonly (readonly [number, LogLevel])[] = [
  [50, "error"],
  [40, "warn"],
  [30, "info"],
];
const LABELS: Readonly<Record<string, number>> = { fatal: 60, error: 50, warn: 40, info: 30 };
/** What a line of the run's log says itself. */
const KNOWN = new Set(["level", "time", "pid", "hostname", "msg"]);

/**
 * Where pino is to write, so that lines logged inside a run become part of its log, with level and fields. In a plain
 * script, and outside any run, they also go to stdout, as pino's do.
 *
 * @example
 * const logger = pino({ level: "debug" }, pinoDestination());
 */
export function pinoDestination(): { write(line: string): void } {
  return {
    write: (line) => {
      const scope = currentFrame()?.scope;
      if (scope !== undefined) record(line);
      if (scope?.printsLogs ?? true) process.stdout.write(line);
    },
  };
}

function record(line: string): void {
  const parsed = parse(line);
  if (parsed === undefined) return recordLine("info", line.trimEnd(), undefined);
  const fields = Object.entries(parsed).filter(([key]) => !KNOWN.has(key));
  recordLine(
    levelOf(parsed["level"]),
    typeof parsed["msg"] === "string" ? parsed["msg"] : "",
    fields.length === 0 ? undefined : Object.fromEntries(fields),
  );
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // something other than pino wrote it: it is text
  }
}

function levelOf(level: unknown): LogLevel {
  const number = typeof level === "string" ? (LABELS[level] ?? 0) : Number(level);
  return LEAST.find(([least]) => number >= least)?.[1] ?? "debug";
}
