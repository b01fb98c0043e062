import { DownbeatError, isDownbeatError, type ErrorCode } from "@downbeat/contract";
import type { SealErrorCode } from "@downbeat/seal";
import type { Output } from "./output.ts";

// Recognised by its brand: loading the sealing code only to say `instanceof` would cost every command its start-up.
const SEAL_ERROR = Symbol.for("downbeat.seal-error");

const CODE_OF_SEAL_ERROR: Record<SealErrorCode, ErrorCode> = {
  wrong_key: "key_wrong",
  no_data_key: "sealed_unreadable",
  wrap_not_authentic: "sealed_unreadable",
  tampered: "sealed_unreadable",
  wrong_context: "sealed_unreadable",
  not_sealed: "sealed_unreadable",
  too_large: "payload_too_large",
  not_json: "sealed_unreadable",
  data_key_worn: "internal",
  bad_public_key: "key_wrong",
  bad_keyset: "key_wrong",
  bad_recovery_code: "key_wrong",
  bad_passphrase: "key_wrong",
  rotation_not_authentic: "key_wrong",
  keyset_missing: "key_missing",
  keyset_exists: "conflict",
  keyset_exposed: "key_wrong",
  signature_refused: "signature_refused",
  keyset_unreachable: "key_missing",
};

/** Makes one family of every error, so that each has a code, a remedy and an exit code. */
export function asDownbeatError(error: unknown): DownbeatError {
  if (isDownbeatError(error)) return error;
  if (typeof error === "object" && error !== null && SEAL_ERROR in error) {
    const { code, message } = error as unknown as { code: SealErrorCode; message: string };
    return new DownbeatError(CODE_OF_SEAL_ERROR[code], { message, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new DownbeatError("internal", { message, cause: error });
}

/** Says what failed, where, why, and what to do next, on stderr. */
export function reportError(output: Output, error: DownbeatError): void {
  output.warn(output.json ? JSON.stringify({ error: errorJson(error) }) : errorText(output, error));
}

function errorJson(error: DownbeatError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    remedy: error.remedy,
    ...(error.issues.length > 0 && { issues: error.issues }),
    ...(error.requestId !== undefined && { requestId: error.requestId }),
  };
}

function errorText(output: Output, error: DownbeatError): string {
  const { red, bold, dim } = output.noteColors;
  const lines = [`${red(bold("error"))} ${error.message} ${dim(`[${error.code}]`)}`];
  for (const { path, message } of error.issues)
    lines.push(`  ${bold(path === "" ? "(all)" : path)}: ${message}`);
  for (const reason of causesOf(error)) lines.push(`  ${dim("because")} ${reason}`);
  lines.push(`  ${dim("next")} ${error.remedy}`);
  if (error.requestId !== undefined) lines.push(`  ${dim("request")} ${error.requestId}`);
  return lines.join("\n");
}

/** The chain of causes in words, without those the message already quotes. */
function causesOf(error: Error): string[] {
  const reasons: string[] = [];
  let said = error.message;
  for (let cause = error.cause; cause instanceof Error && reasons.length < 5; cause = cause.cause) {
    if (cause.message === "" || said.includes(cause.message)) continue;
    reasons.push(cause.message);
    said += cause.message;
  }
  return reasons;
}
