// Writes made-here/: node make-here.mjs, after a build.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createDataKey, openKeyring, publicKeyOf, sealJson, sealToPublicKey } from "@downbeat/seal";

const [keysetPath = "keyset.json", folder = "made-here"] = process.argv.slice(2);
const keyring = await openKeyring(JSON.parse(await readFile(keysetPath, "utf8")));
const publicKey = publicKeyOf(keyring);
const dataKey = await createDataKey({ recipients: [publicKey], keyring });
const line = { at: "2026-01-02T03:04:05Z", level: "info", logger: "weather", text: "42 rows read" };
const place = { kind: "log", run: "0198f2a0-0000-7000-8000-000000000002", epoch: 1, seq: 0 };
// So many lines that they are deflated.
const log = await sealJson(
  dataKey,
  place,
  Array.from({ length: 20 }, () => line),
);
const parameters = await sealToPublicKey(
  publicKey,
  { kind: "parameters", dep: "weather/nightly" },
  { station: "Seattle", year: 2012 },
);
await mkdir(folder, { recursive: true });
await writeFile(`${folder}/parameters.jwe`, parameters);
await writeFile(`${folder}/data-key.json`, JSON.stringify(dataKey.wrapped));
await writeFile(`${folder}/log.jwe`, log);
