import { createHash } from "node:crypto";
import {
  type DeploymentSpec,
  type DeploymentStatement,
  type InputStatement,
  type RunInput,
  type RunSpec,
  type Signed,
  type SignedKind,
  type Statement,
  STATEMENTS,
  type TriggerStatement,
} from "@downbeat/contract";
import { compactVerify, decodeProtectedHeader } from "jose";
import { SealError } from "../seal-error.ts";
import type { Signer, TrustedSigners } from "./signing-key.ts";

/** Who signs, for which workspace, and when. */
export type Signing = {
  readonly signer: Signer;
  readonly workspaceId: string;
  readonly now: Date;
};

/** How long after its time a trigger may still be run: what waits longer has to be triggered anew. */
const TRIGGER_LIFE_SECONDS = 7 * 24 * 3600;

/** Signs what decides which code a deployment runs, with which defaults, where and how. */
export function signDeployment(
  { signer, workspaceId, now }: Signing,
  spec: DeploymentSpec,
): Promise<Signed<"deployment">> {
  const statement: DeploymentStatement = {
    ws: workspaceId,
    dep: `${spec.flowName}/${spec.name}`,
    pool: spec.poolName,
    contentHash: spec.contentHash,
    entrypoint: digestOf(spec.entrypoint),
    defaults: spec.defaultParameters === null ? null : digestOf(spec.defaultParameters),
    timeoutSeconds: spec.timeoutSeconds,
    exclusive: spec.exclusive,
    iat: secondsOf(now),
  };
  return sign(signer, "deployment", statement);
}

/**
 * Signs a trigger. It must name its run, by `runId` or by `idempotencyKey`: otherwise it could be replayed as another one.
 *
 * @throws Error when it names none
 */
export function signTrigger(
  { signer, workspaceId, now }: Signing,
  spec: Omit<RunSpec, "signature">,
): Promise<Signed<"trigger">> {
  const { runId, idempotencyKey, parameters, scheduledFor } = spec;
  if (runId === undefined && idempotencyKey === undefined)
    throw new Error("A trigger that names no run cannot be signed.");
  const iat = secondsOf(now);
  const at = scheduledFor === undefined ? null : secondsOf(new Date(scheduledFor));
  const statement: TriggerStatement = {
    ws: workspaceId,
    dep: `${spec.flowName}/${spec.deploymentName}`,
    ...(runId === undefined ? { key: idempotencyKey } : { run: runId }),
    parameters: parameters === null ? null : digestOf(parameters),
    at,
    iat,
    exp: Math.max(iat, at ?? 0) + TRIGGER_LIFE_SECONDS,
  };
  return sign(signer, "trigger", statement);
}

/** Signs what one pause point of one run is given; the same in each of its attempts. */
export function signInput(
  { signer, workspaceId, now }: Signing,
  { runId, key, input }: Pick<RunInput, "key" | "input"> & { readonly runId: string },
): Promise<Signed<"input">> {
  const statement: InputStatement = {
    ws: workspaceId,
    run: runId,
    point: key,
    input: input === null ? null : digestOf(input),
    iat: secondsOf(now),
  };
  return sign(signer, "input", statement);
}

/**
 * What a statement says, once its signature has held. The algorithm is pinned, the type must be that of its kind, and the key
 * must be one of those given.
 *
 * @throws {SealError} `signature_refused`
 */
export async function verifyStatement<K extends SignedKind>(
  kind: K,
  statement: string,
  signers: TrustedSigners,
): Promise<Statement<K>> {
  const key = signers.get(signerIdOf(kind, statement));
  if (key === undefined)
    throw refused(kind, `it is signed by key ${signerIdOf(kind, statement)}, which is not listed`);
  try {
    const { payload, protectedHeader } = await compactVerify(statement, key, {
      algorithms: ["ES256"],
    });
    if (protectedHeader.typ !== typeOf(kind))
      throw refused(kind, `it is of type ${String(protectedHeader.typ)}`);
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    return STATEMENTS[kind].parse(value) as Statement<K>;
  } catch (cause) {
    throw cause instanceof SealError ? cause : refused(kind, "its signature does not hold", cause);
  }
}

/** SHA-256 of the text of a sealed blob, base64url. The blob is random to everyone without the key, so nothing can be guessed. */
export function digestOf(blob: string): string {
  return createHash("sha256").update(blob).digest("base64url");
}

async function sign<K extends SignedKind>(
  signer: Signer,
  kind: K,
  statement: unknown,
): Promise<Signed<K>> {
  const payload = new TextEncoder().encode(JSON.stringify(statement));
  const header = { alg: "ES256", typ: typeOf(kind), kid: signer.keyId } as const;
  return (await signer.sign(payload, header)) as Signed<K>;
}

function signerIdOf(kind: SignedKind, statement: string): string {
  try {
    return String(decodeProtectedHeader(statement).kid);
  } catch (cause) {
    throw refused(kind, "it is not a JWS", cause);
  }
}

function refused(kind: SignedKind, why: string, cause?: unknown): SealError {
  return new SealError("signature_refused", `This ${kind}'s signature does not count: ${why}.`, {
    cause,
  });
}

function typeOf(kind: SignedKind): string {
  return `dnb-${kind}+jws`;
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
