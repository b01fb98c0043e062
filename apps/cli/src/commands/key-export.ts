import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { keySourceInForce } from "../keys/key-in-force.ts";
import { readSecret } from "../keys/read-secret.ts";
import { shortPath } from "../short-path.ts";

export function keyExportCommand(): Command {
  return new Command("export")
    .description(
      "write the keyset encrypted under a passphrase, to carry it to another machine or browser",
    )
    .option("-o, --out <file>", "where to write it (default: stdout)")
    .action(action(exportKey))
    .addHelpText(
      "after",
      `
The passphrase is asked for, or read from stdin when that is piped; it needs 12 characters. The result is one line of text,
a JWE that \`downbeat key import\`, the page and any JOSE library open (PBES2-HS512+A256KW, 600,000 iterations).

With --json: { file, keyId, keyset }, where keyset is the text, or null when it went to a file.`,
    );
}

async function exportKey(context: CliContext, { out }: { out?: string }): Promise<void> {
  const { exportKeyset } = await import("@downbeat/seal");
  const keyset = await (await keySourceInForce(context)).read();
  const passphrase = await readSecret(context, "passphrase", { repeat: true });
  const text = await exportKeyset(keyset, passphrase);
  const file = out === undefined ? null : resolve(out);
  if (file !== null) await writeNew(file, `${text}\n`);
  context.output.result({ file, keyId: keyset.keyId, keyset: file === null ? text : null }, () =>
    file === null ? text : `Written to ${shortPath(file)}.`,
  );
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new DownbeatError("conflict", {
      message: `${file} cannot be written, or stands there already; it was left alone.`,
      cause,
    });
  }
}
