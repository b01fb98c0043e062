import { DownbeatError, isErrorCode } from "@downbeat/contract/errors";
import type { Refusal } from "./remote-plane.ts";

/** The error that a refusal stands for. */
export function refused(refusal: Refusal["refusal"] | undefined): DownbeatError {
  const { code, message } = refusal ?? { code: "response_invalid", message: "No answer came." };
  return new DownbeatError(isErrorCode(code) ? code : "response_invalid", { message });
}
