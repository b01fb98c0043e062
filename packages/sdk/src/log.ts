import { currentFrame } from "./frame.ts";
import { plainFields } from "./plain-fields.ts";
import type { LogEvent, LogLevel } from "./run-host.ts";
import type { RunScope } from "./run-scope.ts";
import { withoutSecrets } from "./secret.ts";
import { systemTimers } from "./timers.ts";

const LONGEST_TEXT = 32_768;

type LogLine = (text: string, fields?: Record<string, unknown>) => void;

/**
 * Writes lines to the log of the run around this code; they are sealed before they leave the machine. In a plain
 * script, and outside any run, they are printed to stderr. Never throws, whatever the fields hold.
 *
 * @example
 * log.info("cleaned", { rows: rows.length });
 */
export const log: Readonly<Record<LogLevel, LogLine>> = {
  debug: (text, fields) => write("debug", text, fields),
  info: (text, fields) => write("info", text, fields),
  warn: (text, fields) => write("warn", text, fields),
  error: (text, fields) => write("error", text, fields),
};

function write(level: LogLevel, text: string, fields: Record<string, unknown> | undefined): void {
  deliver(lineOf(level, text, fields), currentFrame()?.scope);
}

/**
 * Hands a line that a thread wrote to the host of its run, and prints it where a plain script runs. The thread may not
 * know what is secret here.
 */
export function deliverLog({ fields, ...line }: LogEvent, scope: RunScope | undefined): void {
  const text = withoutSecrets(line.text);
  deliver({ ...line, text, ...(fields !== undefined && { fields: plainFields(fields) }) }, scope);
}

/** Adds a line to the log of the run around this code, if there is one, and prints nothing. */
export function recordLine(
  level: LogLevel,
  text: string,
  fields: Record<string, unknown> | undefined,
): void {
  const host = currentFrame()?.scope?.host;
  host?.event(lineOf(level, text, fields));
}

function lineOf(
  level: LogLevel,
  text: string,
  fields: Record<string, unknown> | undefined,
): LogEvent {
  const frame = currentFrame();
  return {
    kind: "log",
    at: new Date((frame?.timers ?? systemTimers).now()).toISOString(),
    level,
    logger: frame?.task?.run.taskName ?? frame?.scope?.flowName ?? "script",
    text: cut(withoutSecrets(String(text))),
    ...(fields !== undefined && { fields: plainFields(fields) }),
    ...(frame?.task !== undefined &&
      frame.scope?.host !== undefined && { taskRunId: frame.task.run.taskRunId }),
  };
}

function deliver(line: LogEvent, scope: RunScope | undefined): void {
  scope?.host?.event(line);
  if (scope?.printsLogs ?? true) print(line);
}

function print(line: LogEvent): void {
  const fields = line.fields === undefined ? "" : ` ${JSON.stringify(line.fields)}`;
  process.stderr.write(
    `${line.at} ${line.level.padEnd(5)} ${line.logger}: ${line.text}${fields}\n`,
  );
}

function cut(text: string): string {
  const excess = text.length - LONGEST_TEXT;
  return excess <= 0 ? text : `${text.slice(0, LONGEST_TEXT)}… (${excess} more characters)`;
}
