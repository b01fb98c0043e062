import type { ErrorRecord } from "../run-host.ts";

/** The fullest form of an error whose JSON has at most `mostBytes`: without causes, then without stack, then cut. */
export function fitErrorRecord(error: ErrorRecord, mostBytes: number): ErrorRecord {
  const { cause: _, ...causeless } = error;
  const { stack: __, ...bare } = causeless;
  const forms = [error, causeless, bare];
  const fitting = forms.find((form) => Buffer.byteLength(JSON.stringify(form)) <= mostBytes);
  // JSON spends at most six bytes on a character (\u0000).
  return fitting ?? { ...bare, message: bare.message.slice(0, Math.floor(mostBytes / 8)) };
}
