import type { RunError } from "@downbeat/contract";

/** An error as it stands in a row: no class, no error. */
export type RunErrorColumns = {
  error_class: string | null;
  exit_code: number | null;
  signal: string | null;
  error_fingerprint: string | null;
  error_detail: string | null;
};

export function toRunError(row: RunErrorColumns): RunError | null {
  if (row.error_class === null) return null;
  return {
    class: row.error_class,
    exitCode: row.exit_code,
    signal: row.signal,
    fingerprint: row.error_fingerprint,
    detail: row.error_detail as RunError["detail"],
  };
}
