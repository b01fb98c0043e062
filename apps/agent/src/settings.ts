import { Name, Tags } from "@downbeat/contract";
import { KEY_VARIABLE } from "@downbeat/seal/node";
import { z } from "zod";

const Whole = z.coerce.number().int();
const Switch = z.enum(["0", "1"]).transform((value) => value === "1");

/**
 * Every setting of the agent: one table for parsing, for `--help` and for `docs/configuration.md`. A flag wins over its
 * variable. Secrets have no flag: command lines are visible to others.
 */
export const SETTINGS = {
  apiUrl: setting(
    "DOWNBEAT_API_URL",
    undefined,
    z.url({ protocol: /^https?$/ }),
    undefined,
    "Origin of the API. Default: the profile's.",
  ),
  apiKey: setting(
    "DOWNBEAT_API_KEY",
    undefined,
    z.string(),
    undefined,
    "API key to enrol with, if there is no token. Default: the profile's.",
  ),
  enrolToken: setting(
    "DOWNBEAT_ENROL_TOKEN",
    undefined,
    z.string().regex(/^dnbenrol_[0-9a-f]{32}_[\w-]{43}$/, "is no enrolment token"),
    undefined,
    "One-time token with which the agent joins a pool.",
  ),
  keyFile: setting(
    "DOWNBEAT_KEY_FILE",
    undefined,
    z.string(),
    undefined,
    "File with the workspace key. Default: the profile's.",
  ),
  keyText: setting(
    KEY_VARIABLE,
    undefined,
    z.string(),
    undefined,
    "The workspace key itself, where no file can be mounted: the keyset's JSON or base64 of it. Wins over any file.",
  ),
  home: setting(
    "DOWNBEAT_HOME",
    undefined,
    z.string(),
    ".downbeat",
    "Directory of state: identity and outbox are kept in `agents/<name>`.",
  ),
  profileFile: setting(
    "DOWNBEAT_PROFILE_FILE",
    undefined,
    z.string(),
    undefined,
    "Profile to use. Default: `profile.json` in DOWNBEAT_HOME.",
  ),
  project: setting(
    "DOWNBEAT_PROJECT",
    "project",
    z.string(),
    ".",
    "Directory of the flows; nothing outside it is run.",
  ),
  allow: setting(
    "DOWNBEAT_ALLOW",
    "allow",
    z
      .string()
      .transform((text) => text.split(",").map((one) => one.trim()))
      .pipe(z.array(z.string().min(1)).min(1)),
    undefined,
    "Entrypoints that may be run, with commas: files, folders, or `file#export`, relative to the project. Default: every flow in it.",
  ),
  requireSigned: setting(
    "DOWNBEAT_REQUIRE_SIGNED",
    "require-signed",
    z.enum(["off", "warn", "block"]),
    "off",
    "`block`: runs nothing but deployments and triggers signed by a key in the signers file, and lets a run that waits go on with such input only. `warn`: runs the rest too, and logs it.",
  ),
  signersFile: setting(
    "DOWNBEAT_SIGNERS_FILE",
    "signers-file",
    z.string(),
    undefined,
    "Public keys whose work is run: a JWK Set, as `downbeat key create --signing` writes it.",
  ),
  signingKeyFile: setting(
    "DOWNBEAT_SIGNING_KEY_FILE",
    undefined,
    z.string(),
    undefined,
    "Key with which this agent signs what its trigger port and its flows trigger. Default: not signed.",
  ),
  ledgerMegabytes: setting(
    "DOWNBEAT_LEDGER_MEGABYTES",
    "ledger-megabytes",
    Whole.min(1).max(100_000),
    "64",
    "Most that the record of what was sent may take; the oldest goes first. `downbeat agent audit` shows it.",
  ),
  pool: setting("DOWNBEAT_POOL", "pool", Name, "default", "Work pool to take runs from."),
  queues: setting(
    "DOWNBEAT_QUEUES",
    "queues",
    z
      .string()
      .transform((text) => text.split(","))
      .pipe(z.array(Name)),
    undefined,
    "Queues of the pool to serve, with commas. Default: all.",
  ),
  labels: setting(
    "DOWNBEAT_LABELS",
    "labels",
    z
      .string()
      .transform((text) => text.split(",").map((label) => label.trim()))
      .pipe(Tags),
    undefined,
    "What this agent can do, with commas, such as `gpu,eu`: it takes runs of deployments that require no other labels.",
  ),
  name: setting(
    "DOWNBEAT_AGENT_NAME",
    "name",
    Name,
    undefined,
    "Name of this agent, unique on the machine. Default: the host's name.",
  ),
  concurrency: setting(
    "DOWNBEAT_CONCURRENCY",
    "concurrency",
    Whole.min(1).max(1000),
    "10",
    "Most runs at once, each in a process.",
  ),
  prefetch: setting(
    "DOWNBEAT_PREFETCH",
    "prefetch",
    Whole.min(0).max(5000),
    "500",
    "Most runs held ready beyond that; never more than ended here within the last second.",
  ),
  launcher: setting(
    "DOWNBEAT_LAUNCHER",
    "launcher",
    z.enum(["warm", "process"]),
    "warm",
    "`warm`: processes take one run after another. `process`: a fresh process for every run.",
  ),
  captureConsole: setting(
    "DOWNBEAT_CAPTURE_CONSOLE",
    "capture-console",
    Switch,
    "0",
    "`1`: what flows write to `console` goes to their log with its level and its task, not as printed lines. A flow's own `captureConsole` counts more.",
  ),
  triggerPort: setting(
    "DOWNBEAT_TRIGGER_PORT",
    "trigger-port",
    Whole.min(0).max(65_535),
    undefined,
    "Takes triggers in plain JSON at this port, seals and forwards them. Default: opens no port.",
  ),
  triggerHost: setting(
    "DOWNBEAT_TRIGGER_HOST",
    "trigger-host",
    z.string().min(1),
    "127.0.0.1",
    "Address to take triggers at. Another than this machine's own needs a token.",
  ),
  triggerToken: setting(
    "DOWNBEAT_TRIGGER_TOKEN",
    undefined,
    z.string().min(16, "has less than 16 characters"),
    undefined,
    "What callers of the trigger port must send as a bearer token. Default: none is asked for.",
  ),
  drainSeconds: setting(
    "DOWNBEAT_DRAIN_SECONDS",
    "drain-seconds",
    z.coerce.number().min(0).max(86_400),
    "300",
    "How long running flows may go on after SIGTERM.",
  ),
  cancelGraceSeconds: setting(
    "DOWNBEAT_CANCEL_GRACE_SECONDS",
    "cancel-grace-seconds",
    z.coerce.number().min(0).max(50),
    "5",
    "How long a cancelled flow may take to stop before its process group gets SIGTERM, and 3 s later SIGKILL.",
  ),
  outboxMegabytes: setting(
    "DOWNBEAT_OUTBOX_MEGABYTES",
    "outbox-megabytes",
    Whole.min(1).max(1_000_000),
    "256",
    "When undelivered reports take more, no more work is claimed and log lines are held back.",
  ),
  logLevel: setting(
    "DOWNBEAT_LOG_LEVEL",
    undefined,
    z.enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"]),
    "info",
    "Lowest level that is logged (to stderr, as JSON lines).",
  ),
  readyLine: setting(
    "DOWNBEAT_READY_LINE",
    undefined,
    Switch,
    "0",
    '`1`: print `{"agent":"<id>","session":"<id>"}` on stdout when ready.',
  ),
} as const;

/** Renders the table of settings for `docs/agent.md`. */
export function renderSettings(): string {
  const rows = Object.values(SETTINGS).map(({ variable, flag, fallback, about }) => {
    const names = [flag === undefined ? "" : `\`--${flag}\``, `\`${variable}\``];
    return `| ${names.join(" | ")} | ${fallback === undefined ? "" : `\`${fallback}\``} | ${about} |`;
  });
  return ["| flag | variable | default | what it does |", "|---|---|---|---|", ...rows].join("\n");
}

function setting<
  const V extends string,
  const F extends string | undefined,
  S extends z.ZodType,
  const D extends string | undefined,
>(
  variable: V,
  ...[flag, schema, fallback, about]: [flag: F, schema: S, fallback: D, about: string]
) {
  return { variable, flag, schema, fallback, about };
}
