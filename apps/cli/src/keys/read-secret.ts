import { DownbeatError } from "@downbeat/contract";
import type { CliContext } from "../context.ts";

/**
 * A secret that belongs in no command line: typed unseen on a terminal, or piped in.
 *
 * @throws {DownbeatError} `usage_invalid` when nobody can be asked and nothing is piped, or the repetition differs
 */
export async function readSecret(
  context: CliContext,
  what: string,
  options: { repeat?: boolean } = {},
): Promise<string> {
  const { askSecret, readSecretFromStdin } = await import("../ask.ts");
  if (!context.interactive) {
    const piped = process.stdin.isTTY ? "" : await readSecretFromStdin();
    if (piped !== "") return piped;
    throw new DownbeatError("usage_invalid", {
      message: `Nobody can be asked for the ${what} here; pipe it into this command.`,
    });
  }
  const secret = await askSecret(`${what} (not shown): `);
  if (options.repeat !== true || secret === (await askSecret(`${what} once more: `))) return secret;
  throw new DownbeatError("usage_invalid", { message: `The two entries of the ${what} differ.` });
}
