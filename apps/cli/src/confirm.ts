import { DownbeatError } from "@downbeat/contract";
import { ask } from "./ask.ts";
import type { CliContext } from "./context.ts";

/**
 * Asks whether to go on.
 *
 * @param what a verb and its object: `delete 7 runs`
 * @throws {DownbeatError} `usage_invalid` when the answer is no, or nobody can give one
 */
export async function confirm(context: CliContext, what: string): Promise<void> {
  if (!context.interactive) {
    throw new DownbeatError("usage_invalid", {
      message: `This would ${what}; give --yes, or --dry-run to only count.`,
    });
  }
  const answer = await ask(`This will ${what}. Go on? [y/N] `);
  if (/^y(es)?$/i.test(answer)) return;
  throw new DownbeatError("usage_invalid", { message: "Nothing was done." });
}
