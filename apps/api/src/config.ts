import path from "node:path";
import { DownbeatError, type ErrorIssue } from "@downbeat/contract";
import { z } from "zod";

const Seconds = z.coerce.number().positive().max(86_400);
const WholeSeconds = z.coerce.number().int().min(1).max(86_400);
const Switch = z.enum(["0", "1"]).transform((value) => value === "1");

/**
 * Every variable the API reads: one table for parsing and for `docs/configuration.md`. `fallback` is the text taken
 * when the variable is absent or empty; without one it stays undefined.
 */
export const VARIABLES = {
  home: variable(
    "DOWNBEAT_HOME",
    z.string(),
    ".downbeat",
    "Directory of state: embedded database and signing keys.",
  ),
  host: variable("DOWNBEAT_HOST", z.string(), "127.0.0.1", "Address to listen on."),
  port: variable(
    "DOWNBEAT_PORT",
    z.coerce.number().int().min(0).max(65_535),
    "4200",
    "Port to listen on; 0 takes any free one.",
  ),
  portSearch: variable(
    "DOWNBEAT_PORT_SEARCH",
    Switch,
    "0",
    "`1`: move on to the next free port when the port is taken.",
  ),
  readyLine: variable(
    "DOWNBEAT_READY_LINE",
    Switch,
    "0",
    '`1`: print `{"listening":"<url>"}` on stdout when ready.',
  ),
  databaseUrl: variable(
    "DATABASE_URL",
    z.url({ protocol: /^postgres(ql)?$/ }),
    undefined,
    "PostgreSQL connection URL. Without it the embedded database under `DOWNBEAT_HOME` is used.",
  ),
  databasePoolSize: variable(
    "DOWNBEAT_DATABASE_POOL_SIZE",
    z.coerce.number().int().min(1).max(200),
    "10",
    "Most connections to PostgreSQL.",
  ),
  requestMegabytes: variable(
    "DOWNBEAT_REQUEST_MEGABYTES",
    z.coerce.number().min(1).max(65_536),
    "128",
    "Most megabytes of bodies and answers of requests at a time. More is answered 503 with `Retry-After`; small requests may take as much again.",
  ),
  logLevel: variable(
    "DOWNBEAT_LOG_LEVEL",
    z.enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"]),
    "info",
    "Lowest level that is logged (to stderr, as JSON lines).",
  ),
  signingKeys: variable(
    "DOWNBEAT_SIGNING_KEYS",
    z.string(),
    undefined,
    "JWK set (JSON) of the private P-256 keys that sign access tokens: the first signs, all verify. Without it a key is made under `DOWNBEAT_HOME/api` at first start.",
  ),
  bootstrapApiKey: variable(
    "DOWNBEAT_BOOTSTRAP_API_KEY",
    z.string(),
    undefined,
    "Text of an admin API key; workspace, pool and queue `default` are made for it at start if missing.",
  ),
  dashboardDir: variable(
    "DOWNBEAT_DASHBOARD_DIR",
    z.string(),
    undefined,
    "Directory of the built dashboard. Without it the one built beside the API is served, if there is one.",
  ),
  leaseSeconds: variable(
    "DOWNBEAT_LEASE_SECONDS",
    WholeSeconds,
    "45",
    "An agent session not heard of for this long is unreachable.",
  ),
  heartbeatSeconds: variable(
    "DOWNBEAT_HEARTBEAT_SECONDS",
    WholeSeconds,
    "15",
    "How often agents send a heartbeat.",
  ),
  reconnectWindowSeconds: variable(
    "DOWNBEAT_RECONNECT_WINDOW_SECONDS",
    z.coerce.number().int().min(0).max(86_400),
    "300",
    "An unreachable agent may come back for this long before its runs are CRASHED.",
  ),
  claimHoldSeconds: variable(
    "DOWNBEAT_CLAIM_HOLD_SECONDS",
    z.coerce.number().int().min(0).max(25),
    "25",
    "Longest a claim is held open when there is no work.",
  ),
  sweepSeconds: variable(
    "DOWNBEAT_SWEEP_SECONDS",
    Seconds,
    "5",
    "How often lapsed leases are looked for.",
  ),
  lateAfterSeconds: variable(
    "DOWNBEAT_LATE_AFTER_SECONDS",
    Seconds,
    "15",
    "A scheduled run that nobody takes for this long is named Late.",
  ),
  cancelDeadlineSeconds: variable(
    "DOWNBEAT_CANCEL_DEADLINE_SECONDS",
    WholeSeconds,
    "60",
    "A cancellation that its agent does not confirm for this long is closed by the server.",
  ),
  retentionDays: variable(
    "DOWNBEAT_RETENTION_DAYS",
    z.coerce.number().int().min(0).max(36_500),
    "90",
    "Ended runs are kept for so many days after they were made, with all that belongs to them; 0 keeps them for ever. [How](database.md#retention).",
  ),
} as const;

type Variables = typeof VARIABLES;

/** What the API runs with. Durations are in seconds; paths are absolute. */
export type ApiConfig = {
  readonly [K in keyof Variables]:
    | z.output<Variables[K]["schema"]>
    | (Variables[K]["fallback"] extends string ? never : undefined);
};

/**
 * Reads the environment; the only place of this app that does.
 *
 * @throws {DownbeatError} configuration_invalid, naming every bad variable at once.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): ApiConfig {
  const values: Record<string, unknown> = {};
  const issues: ErrorIssue[] = [];
  for (const [key, { name, schema, fallback }] of Object.entries(VARIABLES)) {
    const text = environment[name] === "" ? fallback : (environment[name] ?? fallback);
    if (text === undefined) continue;
    const parsed = schema.safeParse(text);
    if (parsed.success) values[key] = parsed.data;
    else
      issues.push({
        path: name,
        message: parsed.error.issues.map((issue) => issue.message).join("; "),
      });
  }
  issues.push(...contradictions(values));
  if (issues.length > 0) throw invalid(issues);
  return { ...values, home: path.resolve(String(values["home"])) } as unknown as ApiConfig;
}

function contradictions({ leaseSeconds, heartbeatSeconds }: Record<string, unknown>): ErrorIssue[] {
  if (typeof leaseSeconds !== "number" || typeof heartbeatSeconds !== "number") return [];
  if (heartbeatSeconds < leaseSeconds) return [];
  const message = `${heartbeatSeconds} is not shorter than DOWNBEAT_LEASE_SECONDS (${leaseSeconds})`;
  return [{ path: VARIABLES.heartbeatSeconds.name, message }];
}

// Values are left out on purpose: some of these variables are secrets.
function invalid(issues: readonly ErrorIssue[]): DownbeatError {
  const list = issues.map(({ path: name, message }) => `${name}: ${message}`).join(". ");
  return new DownbeatError("configuration_invalid", {
    message: `The configuration is not valid. ${list}.`,
    issues,
  });
}

function variable<const N extends string, S extends z.ZodType, const F extends string | undefined>(
  name: N,
  schema: S,
  fallback: F,
  about: string,
): { readonly name: N; readonly schema: S; readonly fallback: F; readonly about: string } {
  return { name, schema, fallback, about };
}
