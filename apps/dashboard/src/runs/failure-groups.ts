import type { Run } from "@downbeat/contract";

/** Runs that failed alike. */
export type FailureGroup = {
  readonly key: string;
  readonly errorClass: string;
  /** Equal for equal errors, and says nothing else; null where no keyset was at hand when it was made. */
  readonly fingerprint: string | null;
  /** Newest first. */
  readonly runs: readonly Run[];
};

/**
 * Groups failed runs by flow, class and blind fingerprint of their error, which needs no key. The largest group comes first,
 * and of equal ones that with the newest run. Runs without an error are left out.
 */
export function failureGroups(runs: readonly Run[]): FailureGroup[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    if (run.error === null) continue;
    const key = [run.flowName, run.error.class, run.error.fingerprint].join(" ");
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [run]);
    else known.push(run);
  }
  return [...groups]
    .map(([key, alike]) => ({
      key,
      errorClass: alike[0]?.error?.class ?? "",
      fingerprint: alike[0]?.error?.fingerprint ?? null,
      runs: alike,
    }))
    .toSorted((a, b) => b.runs.length - a.runs.length);
}
