import { Command, InvalidArgumentError } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";

type Options = { sample: number };

export function keyVerifyCommand(): Command {
  return new Command("verify")
    .description(
      "check that the key on this machine opens the data keys that the workspace has stored",
    )
    .option("--sample <n>", "most data keys to try", sampleSize, 1000)
    .action(action(verifyKey))
    .addHelpText(
      "after",
      `
Every run's sealed data hangs on a stored data key, so a data key that opens here means data that opens here. Keys made by
callers without the workspace key carry no tag: they may have sealed parameters and nothing else.

With --json: { keyId, tried, opened, untagged, unreadable: [{ id, reason }] }. Exits with 7 when one does not open.`,
    );
}

async function verifyKey(context: CliContext, { sample }: Options): Promise<void> {
  const { client } = await context.connect();
  const { keyring } = await context.unlock();
  const { checkDataKeys } = await import("../keys/check-data-keys.ts");
  const found = await checkDataKeys(client, keyring, sample);
  const { tried, opened, untagged, unreadable } = found;
  context.output.result(
    { keyId: keyring.keyId, ...found },
    ({ bold }) =>
      `${bold(`${opened} of ${tried}`)} stored data keys open with the key here; ${untagged} of them came from callers without it.`,
  );
  if (unreadable.length === 0) return;
  throw new DownbeatError("key_wrong", {
    message: `${unreadable.length} of ${tried} stored data keys do not open here, such as: ${unreadable[0]?.reason}`,
  });
}

function sampleSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1) return size;
  throw new InvalidArgumentError("Give a whole number from 1.");
}
