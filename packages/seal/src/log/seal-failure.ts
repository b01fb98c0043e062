import { isDownbeatError } from "@downbeat/contract/errors";
import { isSealError, type SealErrorCode } from "../seal-error.ts";

/** Why a sealed value stays closed although there is a key: a few words to show in its place, and the whole story. */
export type SealFailure = {
  readonly title: string;
  readonly detail: string;
  /** Undefined when it was not the opening that failed. */
  readonly code?: SealErrorCode;
};

const TITLES: Partial<Record<SealErrorCode, string>> = {
  wrong_key: "sealed with another key",
  no_data_key: "its data key is gone",
  wrap_not_authentic: "may be forged",
  tampered: "was altered",
  wrong_context: "belongs elsewhere",
  not_sealed: "is not a sealed value",
  too_large: "is too large",
  not_json: "cannot be read",
};

/** Says why a value did not open. */
export function sealFailureOf(error: unknown): SealFailure {
  if (isSealError(error)) {
    const { code, message } = error;
    return { title: TITLES[code] ?? "does not open", detail: message, code };
  }
  // The data key is fetched on the way; then it is the API that failed, and asking again may help.
  const detail = error instanceof Error ? error.message : String(error);
  return {
    title: isDownbeatError(error) ? "its data key could not be read" : "does not open",
    detail,
  };
}
