import type { ErrorCode } from "@downbeat/contract";

/** What the process exits with. Scripts may rely on these; docs/cli.md lists them from here. */
export const EXIT = {
  ok: { code: 0, meaning: "Success; a watched run completed." },
  failed: { code: 1, meaning: "The command failed, or the watched run did." },
  usage: {
    code: 2,
    meaning: "The command was called wrongly, or its parameters do not fit the flow.",
  },
  notAuthenticated: { code: 4, meaning: "No credentials, or they are not valid for this." },
  notFound: { code: 5, meaning: "There is no such run, flow, deployment, pool or limit." },
  unreachable: { code: 6, meaning: "The API could not be reached." },
  key: { code: 7, meaning: "The workspace key is missing or is not the right one." },
  logIncomplete: {
    code: 8,
    meaning: "The log was printed, but part of it is missing, or nobody can tell whether it is.",
  },
  timedOut: { code: 124, meaning: "The wait ended before the run did; the run goes on." },
  interrupted: { code: 130, meaning: "Interrupted with Ctrl-C; a watched run goes on." },
} as const satisfies Record<string, { code: number; meaning: string }>;

export type ExitName = keyof typeof EXIT;

const EXIT_OF_ERROR: Partial<Record<ErrorCode, ExitName>> = {
  usage_invalid: "usage",
  parameters_invalid: "usage",
  validation_failed: "usage",
  configuration_invalid: "usage",
  credentials_missing: "notAuthenticated",
  credentials_invalid: "notAuthenticated",
  credentials_expired: "notAuthenticated",
  role_insufficient: "notAuthenticated",
  profile_missing: "notAuthenticated",
  not_found: "notFound",
  flow_not_found: "notFound",
  pool_not_found: "notFound",
  limit_not_found: "notFound",
  unreachable: "unreachable",
  response_invalid: "unreachable",
  unavailable: "unreachable",
  key_missing: "key",
  key_wrong: "key",
  key_read_only: "key",
  sealed_unreadable: "key",
  workspace_key_mismatch: "key",
  log_incomplete: "logIncomplete",
  wait_timed_out: "timedOut",
};

/** The exit code for an error; 1 unless the table above knows better. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT[EXIT_OF_ERROR[code] ?? "failed"].code;
}

/** The error codes that lead to each exit code, for the command reference. */
export function errorCodesOf(name: ExitName): ErrorCode[] {
  const entries = Object.entries(EXIT_OF_ERROR) as [ErrorCode, ExitName][];
  return entries.filter(([, exit]) => exit === name).map(([code]) => code);
}
