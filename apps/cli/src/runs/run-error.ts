import { ErrorDetail, type RunError } from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import { asDownbeatError } from "../report-error.ts";

/** A sealed value after an attempt to open it: the value, or why it stayed closed. */
export type Opened<T> = { readonly value: T } | { readonly sealed: string };

/** Opens what may be opened; a key that is missing or wrong is an answer here, not a failure. */
export async function tryOpen<T>(open: () => Promise<T>): Promise<Opened<T>> {
  try {
    return { value: await open() };
  } catch (error) {
    return { sealed: asDownbeatError(error).message };
  }
}

/** Opens the message, stack and causes of a run's or task run's error. */
export async function openError(
  opener: () => Promise<Opener>,
  place: { run: string; task?: string; epoch: number },
  error: RunError | null,
): Promise<Opened<ErrorDetail> | null> {
  const detail = error?.detail ?? null;
  if (detail === null) return null;
  return tryOpen(async () =>
    ErrorDetail.parse(await (await opener()).open(detail, { kind: "error", ...place })),
  );
}

/** The error and its causes, the class before each message. */
export function errorDetailWords(detail: ErrorDetail): string {
  const cause = detail.cause === undefined ? "" : `\nbecause ${errorDetailWords(detail.cause)}`;
  return `${detail.class}: ${detail.message}${cause}`;
}
