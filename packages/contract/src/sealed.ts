import { z } from "zod";
import { labelSealed } from "./boundary.ts";
import { LONGEST_NAME, NAME_PATTERN } from "./name-pattern.ts";

/** What a sealed blob holds; named in its protected header, so a blob moved to another field does not open. */
export const SEALED_KINDS = [
  "parameters",
  "defaults",
  "input",
  "entrypoint",
  "log",
  "log-manifest",
  "error",
  "rendered-name",
  "artifact",
  "event",
  "result",
] as const;
export type SealedKind = (typeof SEALED_KINDS)[number];

/** Text that went through the sealing code. Plain strings do not type as this. */
export type Sealed<K extends SealedKind = SealedKind> = string & { readonly __sealed: K };

/** The protected header of every sealed blob: a compact JWE with its context bound as associated data. */
export type SealedHeader = {
  alg: "dir" | "ECDH-ES+A256KW";
  enc: "A256GCM";
  typ: "dnb+jwe";
  /** `dir`: the data key's id. `ECDH-ES+A256KW`: the workspace key's id (RFC 7638 thumbprint). */
  kid: string;
  /** Workspace id. */
  ws: string;
  kind: SealedKind;
  /** "flow/deployment" that parameters and entrypoints are meant for. */
  dep?: string;
  /** The run that it is meant for; of parameters, if the caller chose the run's id. */
  run?: string;
  /** Of what belongs to a task run: its id. */
  task?: string;
  /** Of an input: the key of the pause point that it is given to. */
  point?: string;
  /** Of parameters: the W3C `traceparent` of the call that triggered the run. */
  trace?: string;
  /** Of parameters: the hosted plane got them in clear and sealed them itself. */
  via?: "host";
  epoch?: number;
  seq?: number;
  zip?: "DEF";
};

// Sizes are of the sealed text, in characters (design §7, limits of `research/trust.md` C4).
const SEALED_LIMITS: Record<SealedKind, number> = {
  parameters: 768 * 1024,
  defaults: 768 * 1024,
  input: 768 * 1024,
  entrypoint: 8 * 1024,
  log: 384 * 1024,
  "log-manifest": 64 * 1024,
  error: 96 * 1024,
  "rendered-name": 4 * 1024,
  artifact: 768 * 1024,
  event: 384 * 1024,
  result: 8 * 1024,
};

// Header; wrapped key (40 bytes, or none with `dir`); nonce of 12 bytes; ciphertext; tag of 16 bytes.
const COMPACT_JWE = /^eyJ[\w-]+\.(?:[\w-]{54})?\.[\w-]{16}\.[\w-]*\.[\w-]{22}$/;

/**
 * The schema of a sealed field. It refuses plaintext in any form: the value must be a compact JWE whose header holds what
 * {@link SealedHeader} lists and nothing else. The API cannot open the blob; it can only refuse what is not one
 * (`plaintext_refused`).
 */
export function sealed<K extends SealedKind>(kind: K): z.ZodType<Sealed<K>, Sealed<K>> {
  const schema = z.unknown().superRefine((value, issues) => {
    if (value === undefined) return issues.addIssue({ code: "custom", message: "is missing" });
    const refusal = refuseUnsealed(value, kind);
    if (refusal === undefined) return;
    issues.addIssue({ code: "custom", message: refusal, params: { code: "plaintext_refused" } });
  });
  schema.register(z.globalRegistry, {
    type: "string",
    format: `sealed-${kind}`,
    description: `Compact JWE (kind "${kind}"), sealed by the caller.`,
  });
  return labelSealed(schema as unknown as z.ZodType<Sealed<K>, Sealed<K>>, kind);
}

/**
 * Why this value is not a sealed blob of that kind, in words; undefined when it is one. The words quote nothing of the
 * value: it may be customer data.
 */
export function refuseUnsealed(value: unknown, kind: SealedKind): string | undefined {
  if (typeof value !== "string" || !COMPACT_JWE.test(value))
    return `is not a sealed blob (compact JWE) of kind "${kind}"`;
  if (value.length > SEALED_LIMITS[kind]) {
    return `is ${value.length} characters long; a sealed "${kind}" may have ${SEALED_LIMITS[kind]}`;
  }
  const header = readSealedHeader(value);
  if (header === undefined) return "has a protected header that is not JSON";
  if (header.kind !== kind && SEALED_KINDS.some((known) => known === header.kind))
    return `is sealed as kind "${String(header.kind)}", not "${kind}"`;
  return headerFlaw(header, kind) ?? keyFlaw(header, value);
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const THUMBPRINT = /^[\w-]{43}$/;
/** A W3C `traceparent` of version 00: ids of a trace and a span, and whether they are sampled. */
export const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const isOrdinal = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (pattern: RegExp) => (value: unknown) =>
  typeof value === "string" && pattern.test(value);

// What each field of the header may be. Anything else could carry customer data past the seal, in clear.
const HEADER_RULES: Readonly<Record<string, (value: unknown, kind: SealedKind) => boolean>> = {
  alg: (value) => value === "dir" || value === "ECDH-ES+A256KW",
  enc: (value) => value === "A256GCM",
  typ: (value) => value === "dnb+jwe",
  kid: (value) => isText(UUID)(value) || isText(THUMBPRINT)(value),
  ws: isText(UUID),
  kind: (value, kind) => value === kind,
  dep: (value) => typeof value === "string" && value.split("/").every(isName),
  run: isText(UUID),
  task: (value, kind) => OF_TASK_RUNS.has(kind) && isText(UUID)(value),
  point: (value, kind) => kind === "input" && typeof value === "string" && isName(value),
  trace: (value, kind) => kind === "parameters" && isText(TRACEPARENT)(value),
  via: (value, kind) => kind === "parameters" && value === "host",
  epoch: isOrdinal,
  seq: isOrdinal,
  zip: (value, kind) => value === "DEF" && kind === "log",
  epk: isPublicKey,
};

const OF_TASK_RUNS: ReadonlySet<SealedKind> = new Set(["rendered-name", "error", "result"]);

const REQUIRED_FIELDS = ["alg", "enc", "typ", "kid", "ws", "kind"] as const;

function headerFlaw(header: Partial<SealedHeader>, kind: SealedKind): string | undefined {
  const missing = REQUIRED_FIELDS.find((field) => header[field] === undefined);
  if (missing !== undefined) return `names no \`${missing}\` in its protected header`;
  for (const [field, value] of Object.entries(header)) {
    const rule = Object.hasOwn(HEADER_RULES, field) ? HEADER_RULES[field] : undefined;
    if (rule === undefined) return "has a field in its protected header that does not belong there";
    if (!rule(value, kind)) return `has a protected header whose \`${field}\` is not allowed`;
  }
  return undefined;
}

/** A data key (`dir`) travels elsewhere; a blob sealed to a public key brings its own, wrapped. */
function keyFlaw(header: Partial<SealedHeader> & { epk?: unknown }, text: string) {
  const isDirect = header.alg === "dir";
  const hasWrappedKey = text[text.indexOf(".") + 1] !== ".";
  if (isDirect !== hasWrappedKey && isDirect === (header.epk === undefined)) return undefined;
  return "has a wrapped key that does not go with its algorithm";
}

function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME_PATTERN.test(text);
}

function isPublicKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 4) return false;
  const { kty, crv, x, y } = value as Record<string, unknown>;
  return kty === "EC" && crv === "P-256" && isText(THUMBPRINT)(x) && isText(THUMBPRINT)(y);
}

/**
 * Where a run's sealed parameters belong, for opening them. Those that the caller sealed for one run fit no other; those
 * without a run id fit every run of the deployment.
 */
export function placeOfParameters(
  blob: string,
  { dep, run }: { dep: string; run: string },
): { kind: "parameters"; dep: string; run?: string } {
  const isForOneRun = readSealedHeader(blob)?.run !== undefined;
  return { kind: "parameters", dep, ...(isForOneRun && { run }) };
}

/** The `traceparent` that came with a run's parameters. Authentic once they have been opened. */
export function traceOfParameters(blob: string | null): string | undefined {
  const trace: unknown = blob === null ? undefined : readSealedHeader(blob)?.trace;
  return typeof trace === "string" && TRACEPARENT.test(trace) ? trace : undefined;
}

/** Whether a run's parameters came to the hosted plane in clear, as far as the plane says so in their header. */
export function passedThroughHost(blob: string | null): boolean {
  return blob !== null && readSealedHeader(blob)?.via === "host";
}

/** Reads the protected header without opening the blob; undefined when it is not JSON. */
export function readSealedHeader(text: string): Partial<SealedHeader> | undefined {
  const encoded = text.slice(0, text.indexOf(".")).replaceAll("-", "+").replaceAll("_", "/");
  try {
    const value: unknown = JSON.parse(atob(encoded));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // not base64 or not JSON: the caller turns this into a refusal in words
  }
}
