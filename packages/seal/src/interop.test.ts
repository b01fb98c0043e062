import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { WrappedDataKey } from "@downbeat/contract";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDataKey } from "./data-key.ts";
import { openKeyring } from "./keyring.ts";
import { publicKeyOf } from "./keyset.ts";
import { sealJson, sealToPublicKey } from "./seal.ts";
import { anOpener } from "./workspace.fixture.ts";

const VECTORS = resolve(import.meta.dirname, "../interop");
const KEYSET = join(VECTORS, "keyset.json");
const PARAMETERS = { station: "Seattle", year: 2012 };
const LINE = {
  at: "2026-01-02T03:04:05Z",
  level: "info",
  logger: "weather",
  text: "42 rows read",
};
const CONTENT = { parameters: PARAMETERS, lines: [LINE] };
const DEP = "weather/nightly";
const PLACE = {
  kind: "log",
  run: "0198f2a0-0000-7000-8000-000000000002",
  epoch: 1,
  seq: 0,
} as const;

/** Other programs that seal and open; each script writes or reads a folder of vectors. */
const PROGRAMS = [
  {
    name: "José",
    probe: ["sh", "-c", "command -v jose && command -v jq && command -v openssl"],
    script: ["sh", join(VECTORS, "jose.sh")],
    missing: "apt-get install jose jq openssl",
  },
  {
    name: "jwcrypto",
    probe: ["/usr/bin/python3", "-c", "import jwcrypto"],
    script: ["/usr/bin/python3", join(VECTORS, "jwcrypto_vectors.py")],
    missing: "apt-get install python3-jwcrypto",
  },
];

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "downbeat-interop-"));
});
afterAll(() => rmSync(work, { recursive: true }));

test.each(["made-by-jose", "made-by-jwcrypto", "made-here"])(
  "what is in %s opens",
  async (name) => {
    expect(await opened(join(VECTORS, name))).toEqual(CONTENT);
  },
);

test("what others deflated and what they did not are both among the vectors", () => {
  const zip = (name: string) => decodeProtectedHeader(read(join(VECTORS, name), "log.jwe")).zip;
  expect([zip("made-by-jose"), zip("made-by-jwcrypto"), zip("made-here")]).toEqual([
    undefined,
    "DEF",
    "DEF",
  ]);
});

for (const { name, probe, script, missing } of PROGRAMS) {
  const isHere = run(probe).status === 0;
  const title = isHere ? "" : ` (skipped: ${name} is not installed, ${missing})`;

  test.skipIf(!isHere)(
    `what ${name} writes now opens here, and it reads ours${title}`,
    async () => {
      const theirs = join(work, `by-${name}`);
      expect(run([...script, "write", KEYSET, theirs])).toMatchObject({ status: 0 });
      expect(await opened(theirs)).toEqual(CONTENT);
      const ours = join(work, `for-${name}`);
      await writeVectors(ours);
      const { stdout, stderr } = run([...script, "read", KEYSET, ours]);
      const [parameters, log] = stdout.trim().split("\n");
      expect(stderr).toBe("");
      expect(JSON.parse(parameters ?? "")).toEqual(PARAMETERS);
      expect(JSON.parse(log ?? "")).toEqual(Array.from({ length: 20 }, () => LINE));
    },
  );
}

/** What a folder holds: the parameters, and of the log each line that differs from the others. */
async function opened(folder: string): Promise<{ parameters: unknown; lines: unknown[] }> {
  const dataKey = JSON.parse(read(folder, "data-key.json")) as WrappedDataKey;
  const opener = anOpener(await vectorKeyring(), dataKey);
  const parameters = await opener.open(read(folder, "parameters.jwe"), {
    kind: "parameters",
    dep: DEP,
  });
  // Logs open only if the tag on the data key holds as well.
  const lines = (await opener.open(read(folder, "log.jwe"), PLACE)) as object[];
  const different = new Set(lines.map((line) => JSON.stringify(line)));
  return { parameters, lines: Array.from(different, (line) => JSON.parse(line) as unknown) };
}

async function writeVectors(folder: string): Promise<void> {
  const keyring = await vectorKeyring();
  const publicKey = publicKeyOf(keyring);
  const dataKey = await createDataKey({ recipients: [publicKey], keyring });
  const lines = Array.from({ length: 20 }, () => LINE);
  const parameters = await sealToPublicKey(publicKey, { kind: "parameters", dep: DEP }, PARAMETERS);
  mkdirSync(folder);
  writeFileSync(join(folder, "parameters.jwe"), parameters);
  writeFileSync(join(folder, "data-key.json"), JSON.stringify(dataKey.wrapped));
  writeFileSync(join(folder, "log.jwe"), await sealJson(dataKey, PLACE, lines));
}

function vectorKeyring() {
  return openKeyring(JSON.parse(readFileSync(KEYSET, "utf8")));
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), "utf8").trim();
}

function run([command = "", ...args]: readonly string[]) {
  return spawnSync(command, args, { encoding: "utf8" });
}
