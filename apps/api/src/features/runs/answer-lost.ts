import { DownbeatError } from "@downbeat/contract";
import { toDownbeatError } from "../../problem.ts";

/** Thrown when runs were made and committed, and what became of each could not be found out. With the code of its cause. */
export class AnswerLost extends DownbeatError {
  constructor(cause: unknown) {
    const { code, message } = toDownbeatError(cause);
    super(code, { message, cause });
  }
}
