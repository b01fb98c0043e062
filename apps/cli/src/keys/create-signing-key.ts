import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DownbeatError } from "@downbeat/contract";
import { fingerprint } from "@downbeat/seal";
import { createSigningKey, publicKeySetOf, writeSigningKey } from "@downbeat/seal/node";
import type { CliContext } from "../context.ts";
import { profileFileToWrite } from "../profile.ts";
import { shortPath } from "../short-path.ts";
import { rememberSigningKey } from "./remember-key.ts";

/** Makes a key that signs deployments and triggers; the API never hears of it. */
export async function makeSigningKey(context: CliContext, out: string | undefined): Promise<void> {
  const profilePath = profileFileToWrite(context.config);
  const file =
    out === undefined ? join(dirname(profilePath), "keys", "signing.json") : resolve(out);
  const signersFile = file.replace(/(\.json)?$/, ".jwks.json");
  await refuseToReplace(signersFile);
  const key = await createSigningKey({ now: context.now() });
  await writeSigningKey(file, key);
  await writeFile(signersFile, `${JSON.stringify(publicKeySetOf(key), null, 2)}\n`, { flag: "wx" });
  const isRemembered = await rememberSigningKey(profilePath, file);
  const { keyId } = key;
  context.output.result(
    { file, signersFile, keyId, fingerprint: fingerprint(keyId) },
    ({ bold }) =>
      `Signing key ${bold(fingerprint(keyId))} (${keyId})\nwritten to ${shortPath(file)}; its public half to ${shortPath(signersFile)}.`,
  );
  context.output.note(
    isRemembered
      ? "From now on `downbeat deploy` and `downbeat run` sign with it."
      : "Name it in DOWNBEAT_SIGNING_KEY_FILE to sign with it.",
  );
  context.output.note(
    "Copy the public half to your agents (DOWNBEAT_SIGNERS_FILE) and start them with --require-signed block.",
  );
}

async function refuseToReplace(path: string): Promise<void> {
  const isThere = await readFile(path).then(
    () => true,
    () => false, // whatever else is wrong with it, writing will say
  );
  if (isThere) {
    throw new DownbeatError("usage_invalid", {
      message: `${path} is there already; name another file with --out.`,
    });
  }
}
