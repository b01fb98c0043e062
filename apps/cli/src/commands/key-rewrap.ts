import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import type { Rewrapped } from "../keys/rewrap-data-keys.ts";

export function keyRewrapCommand(): Command {
  return new Command("rewrap")
    .description(
      "wrap all stored data keys for the current workspace key, without touching what they sealed",
    )
    .action(action(rewrapKeys))
    .addHelpText(
      "after",
      `
After it the new key alone opens logs, errors and everything else that agents sealed. Interrupted, it goes on where it was
when called again; called twice, it changes nothing the second time. Parameters that callers sealed straight to an older
public key still need that key. Needs the role admin.

With --json: { rewrapped, unchanged, unreadable: [{ id, reason }] }.`,
    );
}

async function rewrapKeys(context: CliContext): Promise<void> {
  const done = await rewrapAll(context);
  context.output.result(
    done,
    ({ bold }) =>
      `${bold(String(done.rewrapped))} data keys are wrapped for the current key now; ${done.unchanged} were before.`,
  );
}

/** Rewraps with the keyset as it stands in its file now; what could not be opened is warned of and left as it is. */
export async function rewrapAll(context: CliContext): Promise<Rewrapped> {
  const { client } = await context.connect();
  const { keyring } = await context.unlock();
  const { rewrapDataKeys } = await import("../keys/rewrap-data-keys.ts");
  const done = await rewrapDataKeys(client, keyring);
  for (const { reason } of done.unreadable) context.output.warn(reason);
  return done;
}
