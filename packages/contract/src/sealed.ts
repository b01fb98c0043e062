import { z } from "zod";
import { labelSealed } from "./boundary.ts";

/** What a sealed blob holds; named in its protected header, so a blob moved to another field does not open. */
export const SEALED_KINDS = [
  "parameters",
  "input",
  "entrypoint",
  "log",
  "log-manifest",
  "error",
  "rendered-name",
  "artifact",
  "event",
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
  run?: string;
  epoch?: number;
  seq?: number;
  zip?: "DEF";
};

// Sizes are of the sealed text, in characters (design §7, limits of `research/trust.md` C4).
const SEALED_LIMITS: Record<SealedKind, number> = {
  parameters: 768 * 1024,
  input: 768 * 1024,
  entrypoint: 8 * 1024,
  log: 384 * 1024,
  "log-manifest": 64 * 1024,
  error: 96 * 1024,
  "rendered-name": 4 * 1024,
  artifact: 384 * 1024,
  event: 384 * 1024,
};

const COMPACT_JWE = /^eyJ[\w-]*\.[\w-]*\.[\w-]+\.[\w-]*\.[\w-]+$/;

/**
 * The schema of a sealed field. It refuses plaintext: the text must be a compact JWE whose header names the pinned
 * algorithms and this kind. The API cannot open the blob; it can only refuse what is not one (`plaintext_refused`).
 */
export function sealed<K extends SealedKind>(kind: K): z.ZodType<Sealed<K>, string> {
  const schema = z.string().superRefine((text, issues) => {
    const refusal = refuseUnsealed(text, kind);
    if (refusal !== undefined) {
      issues.addIssue({ code: "custom", message: refusal, params: { code: "plaintext_refused" } });
    }
  });
  schema.register(z.globalRegistry, {
    format: `sealed-${kind}`,
    description: `Compact JWE (kind "${kind}"), sealed by the caller.`,
  });
  return labelSealed(schema as unknown as z.ZodType<Sealed<K>, string>, kind);
}

/** Why this text is not a sealed blob of that kind, in words; undefined when it is one. */
export function refuseUnsealed(text: string, kind: SealedKind): string | undefined {
  if (!COMPACT_JWE.test(text)) return `is not a sealed blob (compact JWE) of kind "${kind}"`;
  if (text.length > SEALED_LIMITS[kind]) {
    return `is ${text.length} characters long; a sealed "${kind}" may have ${SEALED_LIMITS[kind]}`;
  }
  const header = readSealedHeader(text);
  if (header === undefined) return "has a protected header that is not JSON";
  if (header.enc !== "A256GCM" || (header.alg !== "dir" && header.alg !== "ECDH-ES+A256KW")) {
    return `uses ${String(header.alg)}/${String(header.enc)}; allowed are dir or ECDH-ES+A256KW with A256GCM`;
  }
  if (header.kind !== kind) return `is sealed as kind "${String(header.kind)}", not "${kind}"`;
  if (typeof header.kid !== "string" || typeof header.ws !== "string") {
    return "names no key id or workspace in its protected header";
  }
  return undefined;
}

/** Reads the protected header without opening the blob; undefined when it is not JSON. */
export function readSealedHeader(text: string): Partial<SealedHeader> | undefined {
  const encoded = text.slice(0, text.indexOf(".")).replaceAll("-", "+").replaceAll("_", "/");
  try {
    const value: unknown = JSON.parse(atob(encoded));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // not base64 or not JSON: the caller turns this into a refusal in words
  }
}
