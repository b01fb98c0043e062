import { z } from "zod";
import { plain } from "./boundary.ts";
import { BlindTag, Id, Name } from "./identifiers.ts";
import { LONGEST_NAME, NAME_PATTERN } from "./name-pattern.ts";
import { TimeoutSeconds } from "./retry-policy.ts";

/** What a customer's key signs; named in the protected header, so a signature moved to another field does not count. */
export const SIGNED_KINDS = ["deployment", "trigger", "input"] as const;
export type SignedKind = (typeof SIGNED_KINDS)[number];

/** A statement with its signature. Plain strings do not type as this. */
export type Signed<K extends SignedKind = SignedKind> = string & { readonly __signed: K };

/** The protected header of a signed statement. */
export type SignedHeader = {
  alg: "ES256";
  typ: `dnb-${SignedKind}+jws`;
  /** RFC 7638 thumbprint of the signing key's public half. */
  kid: string;
};

const Seconds = z.int().min(0);
const Deployment = z.string().refine((text) => {
  const names = text.split("/");
  return names.length === 2 && names.every((name) => isName(name));
}, "is not flow/deployment");
/** SHA-256 of a sealed blob's text, which the plane has anyway; never of what is sealed in it. */
const Digest = z.string().regex(/^[\w-]{43}$/);

/** What decides which code runs with which defaults, where and how. Times are seconds since 1970. */
export const DeploymentStatement = z.strictObject({
  /** Workspace id. */
  ws: Id,
  /** flow/deployment. */
  dep: Deployment,
  pool: Name,
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  entrypoint: Digest,
  defaults: Digest.nullable(),
  timeoutSeconds: TimeoutSeconds.nullable(),
  exclusive: z.boolean(),
  /** When it was signed: of two statements the later one counts. */
  iat: Seconds,
});
export type DeploymentStatement = z.infer<typeof DeploymentStatement>;

/** One run: of which deployment, with which parameters, from when until when. Times are seconds since 1970. */
export const TriggerStatement = z
  .strictObject({
    ws: Id,
    dep: Deployment,
    /** The run it is for; absent when `key` stands for it. */
    run: Id.optional(),
    /** The idempotency key: whichever run was first made with it, and no other. */
    key: BlindTag.or(Id).optional(),
    parameters: Digest.nullable(),
    /** Not before; null: at once. */
    at: Seconds.nullable(),
    iat: Seconds,
    /** Agents refuse it afterwards. */
    exp: Seconds,
  })
  .refine(({ run, key }) => (run === undefined) !== (key === undefined), "names no one run");
export type TriggerStatement = z.infer<typeof TriggerStatement>;

/** What one pause point of one run was given, in whichever attempt. Times are seconds since 1970. */
export const InputStatement = z.strictObject({
  ws: Id,
  run: Id,
  /** The key of the pause point. */
  point: Name,
  /** Null: it is resumed without input. */
  input: Digest.nullable(),
  iat: Seconds,
});
export type InputStatement = z.infer<typeof InputStatement>;

/** The schema of each kind's payload. */
export const STATEMENTS = {
  deployment: DeploymentStatement,
  trigger: TriggerStatement,
  input: InputStatement,
} as const;
export type Statement<K extends SignedKind> = z.infer<(typeof STATEMENTS)[K]>;

/** What a statement says, without knowing whether its signature holds. */
export function readStatement<K extends SignedKind>(
  kind: K,
  statement: Signed<K>,
): Statement<K> | undefined {
  const parsed = STATEMENTS[kind].safeParse(decode(statement.split(".")[1] ?? ""));
  return parsed.success ? (parsed.data as Statement<K>) : undefined;
}

const LONGEST_STATEMENT = 2_048;
// Header, payload, signature of 64 bytes.
const COMPACT_JWS = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{86}$/;

/**
 * The schema of a signed statement: a compact JWS (ES256) whose header and payload hold exactly what is listed above, so
 * that nothing else travels in clear. The API hands it on without verifying it: only agents know whose key counts.
 */
export function signed<K extends SignedKind>(kind: K): z.ZodType<Signed<K>, Signed<K>> {
  const schema = z
    .string()
    .max(LONGEST_STATEMENT)
    .regex(COMPACT_JWS, "is not a signed statement (compact JWS)")
    .superRefine((text, issues) => {
      const flaw = statementFlaw(text, kind);
      if (flaw !== undefined) issues.addIssue({ code: "custom", message: flaw });
    });
  return plain(
    schema as unknown as z.ZodType<Signed<K>, Signed<K>>,
    "signature over fields in clear and digests of sealed ones",
  );
}

function statementFlaw(text: string, kind: SignedKind): string | undefined {
  const [header, payload] = text.split(".", 2).map(decode);
  if (!isSignedHeader(header, kind))
    return `has a protected header that is not of a signed ${kind}`;
  const parsed = STATEMENTS[kind].safeParse(payload);
  return parsed.success ? undefined : `does not state what a signed ${kind} states`;
}

function isSignedHeader(value: unknown, kind: SignedKind): boolean {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 3) return false;
  const { alg, typ, kid } = value as Record<string, unknown>;
  return alg === "ES256" && typ === `dnb-${kind}+jws` && /^[\w-]{43}$/.test(String(kid));
}

function decode(part: string): unknown {
  try {
    return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined; // not base64 or not JSON: refused in words by the caller
  }
}

function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME_PATTERN.test(text);
}
