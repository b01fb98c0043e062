import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import {
  createOpener,
  importKeyring,
  keysOf,
  publicKeyOf,
  sealToPublicKey,
  type Opener,
  type WorkspacePublicKey,
} from "@downbeat/seal";
import { readKeyset } from "@downbeat/seal/node";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

type Rotated = { keyId: string; previousKeyId: string; recoveryCode: string; file: string };

const RUNS_BETWEEN_ROTATIONS = 8;
const DEP = "markers/default";

describe("the workspace key, rotated under load", () => {
  let plane: Plane;
  const codes: string[] = [];
  let keyFile: string;

  beforeAll(async () => {
    plane = await Plane.create();
    await plane.startApi();
    await plane.cliOk(["login", plane.apiUrl], { DOWNBEAT_API_KEY: plane.apiKey });
    const created = await plane.cliJson<Rotated>(["key", "create"]);
    codes.push(created.recoveryCode);
    keyFile = created.file;
    await plane.cliOk(["deploy", "flows/markers.ts"]);
    await plane.startAgent(["--concurrency", "2"]);
  });
  afterAll(() => plane.dispose());

  it("leaves nothing unreadable: old or new, from callers who followed and from one who never did", async () => {
    const client = plane.client();
    const first = publicKeyOf(await readKeyset(keyFile));
    const runIds: string[] = [];
    const load = { goesOn: true };
    const trigger = async (key: WorkspacePublicKey) => {
      const value = { secret: `s${runIds.length}`, fail: runIds.length % 3 === 0 };
      const parameters = await sealToPublicKey(key, { kind: "parameters", dep: DEP }, value);
      const run = await client.call("createRun", { body: { flowName: "markers", parameters } });
      runIds.push(run.id);
    };
    const finished = async (): Promise<number> => {
      const known = runIds.length;
      const query = { stateType: "SCHEDULED,PENDING,RUNNING", limit: 200 };
      const { items } = await client.call("listRuns", { query: query as never });
      return known - items.length;
    };
    const loading = (async () => {
      while (load.goesOn) {
        await trigger(first);
        await trigger(publicKeyOf(await readKeyset(keyFile)));
        const behind = runIds.length - 4;
        await waitFor(async () => (await finished()) >= behind, {
          intervalMs: 100,
          describe: "the load to pass",
        });
      }
    })();
    for (let turn = 1; turn <= 3; turn += 1) {
      const atLeast = (await finished()) + RUNS_BETWEEN_ROTATIONS;
      await waitFor(async () => (await finished()) >= atLeast, {
        intervalMs: 100,
        deadlineMs: 60_000,
        describe: `runs before rotation ${turn}`,
      });
      const before = await readKeyset(keyFile);
      const rotated = await plane.cliJson<Rotated>(["key", "rotate"]);
      expect(rotated.previousKeyId).toBe(before.keyId);
      codes.push(rotated.recoveryCode);
    }
    const last = (await finished()) + RUNS_BETWEEN_ROTATIONS;
    await waitFor(async () => (await finished()) >= last, {
      intervalMs: 100,
      deadlineMs: 60_000,
      describe: "more",
    });
    load.goesOn = false;
    await loading;
    await waitFor(async () => (await finished()) === runIds.length, {
      intervalMs: 100,
      deadlineMs: 60_000,
      describe: "all runs to end",
    });

    const keyset = await readKeyset(keyFile);
    expect(keysOf(keyset)).toHaveLength(4);
    const opened = await openEverything(await importKeyring(keyset), runIds);
    expect(opened.unreadable).toEqual([]);
    expect(opened.parameters).toBe(runIds.length);
    expect(opened.errors).toBeGreaterThan(RUNS_BETWEEN_ROTATIONS);
    expect(opened.chunks).toBeGreaterThanOrEqual(runIds.length);
    // The agent moved on to data keys of the newest workspace key, or it would not count as rotated.
    await waitFor(async () => (await recipientsOfDataKeys()).has(keyset.keyId), {
      deadlineMs: 30_000,
      describe: "the agent to seal for the newest key",
    });
  });

  it("after rewrapping, the newest key alone opens all that the agent sealed", async () => {
    const done = await plane.cliJson<{ rewrapped: number; unreadable: unknown[] }>([
      "key",
      "rewrap",
    ]);
    expect(done).toMatchObject({ rewrapped: expect.any(Number), unreadable: [] });
    expect(done.rewrapped).toBeGreaterThan(0);
    const again = await plane.cliJson<object>(["key", "rewrap"]);
    expect(again).toMatchObject({ rewrapped: 0, unreadable: [] });
    const keyset = await readKeyset(keyFile);
    expect(await recipientsOfDataKeys()).toEqual(new Set([keyset.keyId]));
    const newest = await importKeyring({ ...keyset, otherKeys: [] });
    const { items } = await plane.client().call("listRuns", { query: { limit: 50 } });
    const opened = await openEverything(
      newest,
      items.map(({ id }) => id),
      { logsOnly: true },
    );
    expect(opened.unreadable).toEqual([]);
    expect(opened.chunks).toBeGreaterThanOrEqual(items.length);
  });

  it("a lost keyset comes back from the newest recovery code, and from no older one", async () => {
    const before = await readKeyset(keyFile);
    const copy = await readFile(keyFile, "utf8");
    await rm(keyFile);
    const newest = codes.at(-1) ?? "";
    const older = await plane.cli(["key", "recover"], {}, codes[0]);
    expect(older).toMatchObject({ code: 7, stderr: expect.stringContaining(before.keyId) });
    const slip = await plane.cli(
      ["key", "recover"],
      {},
      newest.replace(/.$/, newest.endsWith("7") ? "8" : "7"),
    );
    expect(slip).toMatchObject({ code: 7, stderr: expect.stringContaining("checksum") });
    const recovered = await plane.cli(["key", "recover", "--json"], {}, newest);
    expect(recovered.code).toBe(0);
    const secretsOf = (keyset: typeof before) =>
      keysOf(keyset).map((key) => ({ ...key, createdAt: "" }));
    expect(secretsOf(await readKeyset(keyFile))).toEqual(secretsOf(before));
    const verified = await plane.cliJson<{ tried: number; opened: number }>(["key", "verify"]);
    expect(verified.opened).toBe(verified.tried);
    await writeFile(keyFile, copy);
  });

  it("a keyset travels under a passphrase, and another workspace's is refused", async () => {
    const sealed = join(plane.folder, "keyset.jwe");
    const passphrase = "correct horse battery staple";
    expect((await plane.cli(["key", "export", "-o", sealed], {}, passphrase)).code).toBe(0);
    const out = join(plane.folder, "imported.json");
    const wrong = await plane.cli(["key", "import", sealed, "-o", out], {}, "not the passphrase");
    expect(wrong.code).toBe(7);
    const right = await plane.cli(["key", "import", sealed, "-o", out], {}, passphrase);
    expect(right).toMatchObject({ code: 0 });
    expect(await readKeyset(out)).toEqual(await readKeyset(keyFile));
  });

  it("a key in the environment opens and seals; what would have to write it says why it cannot", async () => {
    const json = await readFile(keyFile, "utf8");
    const elsewhere = join(plane.folder, "elsewhere");
    const environment = {
      DOWNBEAT_HOME: elsewhere,
      DOWNBEAT_API_KEY: plane.apiKey,
      DOWNBEAT_KEY: Buffer.from(json).toString("base64url"),
      DOWNBEAT_KEY_FILE: join(plane.folder, "nowhere.json"),
    };
    await plane.cliOk(["login", plane.apiUrl], environment);
    const verified = await plane.cliJson<{ tried: number }>(["key", "verify"], environment);
    expect(verified).toMatchObject({ opened: verified.tried });
    const shown = await plane.cliJson<object>(["key", "show"], environment);
    expect(shown).toMatchObject({ file: null, keyId: (await readKeyset(keyFile)).keyId });
    await plane.cliOk(["run", "markers", "-p", "secret=s", "--watch"], environment);

    const before = await plane.client().call("listKeyRotations", {});
    for (const command of [["rotate"], ["create"], ["recover"], ["import", keyFile]]) {
      const { code, stderr } = await plane.cli(["key", ...command], environment, "unused");
      expect(code).toBe(7);
      expect(stderr).toContain("[key_read_only]");
    }
    expect(await plane.client().call("listKeyRotations", {})).toEqual(before);
    expect(await readdir(elsewhere)).toEqual(["profile.json"]);
    expect(await readFile(join(elsewhere, "profile.json"), "utf8")).not.toContain("keyFile");
  });

  const fetchDataKeys = async (ids: readonly string[]) =>
    (await plane.client().call("readDataKeys", { query: { ids: [...ids] } })).dataKeys;

  async function recipientsOfDataKeys(): Promise<Set<string>> {
    const { items } = await plane.client().call("listDataKeys", { query: {} });
    return new Set(
      items.flatMap(({ wrap }) =>
        (JSON.parse(wrap) as { recipients: { header: { kid: string } }[] }).recipients.map(
          ({ header }) => header.kid,
        ),
      ),
    );
  }

  async function openEverything(
    keyring: Parameters<typeof createOpener>[0],
    runIds: readonly string[],
    { logsOnly = false } = {},
  ) {
    const opener = createOpener(keyring, { fetchDataKeys });
    const tally = { parameters: 0, errors: 0, chunks: 0, unreadable: [] as string[] };
    const tryOpen = async (
      count: "parameters" | "errors" | "chunks",
      ...what: Parameters<Opener["open"]>
    ) => {
      await opener.open(...what).then(
        () => (tally[count] += 1),
        (error: unknown) => tally.unreadable.push(`${count}: ${String(error)}`),
      );
    };
    const client = plane.client();
    for (const runId of runIds) {
      const run = await client.call("readRun", { params: { runId } });
      const parameters = run.parameters ?? "";
      if (!logsOnly) await tryOpen("parameters", parameters, { kind: "parameters", dep: DEP });
      if (isFailed(run)) {
        const detail = run.error?.detail ?? "";
        await tryOpen("errors", detail, { kind: "error", run: runId, epoch: run.epoch });
      }
      const logs = await client.call("listLogChunks", { params: { runId }, query: {} });
      for (const { epoch, sequence, chunk } of logs.items)
        await tryOpen("chunks", chunk, { kind: "log", run: runId, epoch, seq: sequence });
    }
    return tally;
  }
});

function isFailed({ state }: Run): boolean {
  return state.type === "FAILED";
}
