import {
  DownbeatError,
  type ClearParameters,
  type Sealed,
  type SealedHeader,
  type Workspace,
  type WorkspacePublicKey,
} from "@downbeat/contract";
import { calculateJwkThumbprint, CompactEncrypt, importJWK } from "jose";

/** What parameters are bound to: "flow/deployment" and, where the caller chose it, the run's id. */
export type ParameterPlace = { readonly dep: string; readonly run?: string | undefined };

/**
 * Seals parameters that came in clear to the workspace's public key, as their sender would have (`docs/sealing.md`), with
 * `via` in the header to say who did it. There is no key here that opens what it makes.
 *
 * @throws {DownbeatError} `workspace_key_unusable`, `validation_failed` when the value is nested too deeply to be written
 */
export async function sealToWorkspace(
  workspace: Pick<Workspace, "id" | "key">,
  { dep, run }: ParameterPlace,
  parameters: ClearParameters,
): Promise<Sealed<"parameters">> {
  const { key } = workspace;
  if (key === null) throw unusable("The workspace has no public key yet.");
  const plaintext = new TextEncoder().encode(stringify(parameters));
  const header: SealedHeader = {
    alg: "ECDH-ES+A256KW",
    enc: "A256GCM",
    typ: "dnb+jwe",
    kid: key.keyId,
    ws: workspace.id,
    kind: "parameters",
    dep,
    ...(run !== undefined && { run }),
    via: "host",
  };
  const jwe = new CompactEncrypt(plaintext).setProtectedHeader(header);
  return (await jwe.encrypt(await importKey(key))) as Sealed<"parameters">;
}

function stringify(parameters: ClearParameters): string {
  try {
    return JSON.stringify(parameters);
  } catch (cause) {
    const message = "is nested too deeply";
    throw new DownbeatError("validation_failed", {
      message: `\`parameters\` ${message}.`,
      issues: [{ path: "parameters", message }],
      cause,
    });
  }
}

async function importKey({ keyId, publicJwk }: WorkspacePublicKey) {
  const thumbprint = await calculateJwkThumbprint(publicJwk, "sha256");
  if (thumbprint !== keyId)
    throw unusable(`The public key kept as ${keyId} is in fact ${thumbprint}.`);
  return importJWK(publicJwk, "ECDH-ES+A256KW").catch((cause: unknown) => {
    throw unusable(`The workspace's public key ${keyId} is not a P-256 key.`, cause);
  });
}

function unusable(message: string, cause?: unknown): DownbeatError {
  return new DownbeatError("workspace_key_unusable", { message, cause });
}
