import type { LogManifestPart } from "@downbeat/contract";
import { expect, test } from "vitest";
import { createOpener } from "../open.ts";
import { sealJson } from "../seal.ts";
import {
  aCustomer,
  LOG_ATTACKS,
  anAttackScene,
  VICTIM_RUN,
  VICTIM_LINES,
} from "../testing/index.ts";
import type { StoredLog } from "../testing/index.ts";
import { chunkTag, findForeign, findLogFlaws } from "./find-log-flaws.ts";
import { LogManifestWriter, MANIFEST_PART_CHUNKS } from "./manifest-writer.ts";
import { openLogChunk, openLogManifest } from "./open-log.ts";

const scene = await anAttackScene();

/** Reads a stored log as a reader does: the lines that may be shown, and everything that is to be said. */
async function read(stored: StoredLog, isOver = true) {
  const opener = createOpener(scene.customer.keyring, { fetchDataKeys: async () => [] });
  opener.addDataKeys(stored.dataKeys);
  const manifests = await Promise.all(
    stored.manifests.map((part) => openLogManifest(opener, VICTIM_RUN, part)),
  );
  const chunks = stored.chunks.map(chunkTag);
  const flaws = findLogFlaws({ chunks, manifests, lastEpoch: stored.epoch, isOver });
  const said = flaws.map(({ title }) => title);
  const lines: string[] = [];
  for (const chunk of stored.chunks) {
    const opened = await openLogChunk(opener, VICTIM_RUN, chunk);
    if (opened.failure !== undefined) said.push(`chunk ${chunk.sequence} ${opened.failure.title}`);
    else if (findForeign(chunkTag(chunk), manifests) === undefined)
      lines.push(...opened.lines.map(({ text }) => text));
  }
  return { lines, said };
}

test("a log that arrived whole has no flaw", async () => {
  expect(await read(scene.log)).toEqual({ lines: VICTIM_LINES, said: [] });
});

test.each(LOG_ATTACKS)("a plane that $name is found out", async ({ answer, says, shown }) => {
  const { lines, said } = await read(await answer(scene));
  expect(lines).toHaveLength(shown);
  expect(VICTIM_LINES).toEqual(expect.arrayContaining(lines));
  for (const words of says) expect(said).toContainEqual(expect.stringMatching(words));
});

test("an attempt that logged nothing says so, and whatever is shown of it is not its own", async () => {
  const { customer, log } = scene;
  const emptyLog = customer.tagEmptyLog({ run: VICTIM_RUN, epoch: 1 });
  const said = { ...log, chunks: [], manifests: [{ epoch: 1, part: 0, manifest: null, emptyLog }] };
  expect(await read(said)).toEqual({ lines: [], said: [] });
  const shown = await read({ ...said, chunks: log.chunks.slice(0, 1) });
  expect(shown).toEqual({ lines: [], said: ["chunk 0 is not the one that was sent"] });
  expect((await read({ ...said, epoch: 2 })).said).toEqual(["there is no log of attempt 2"]);
});

test("a list that is neither sealed nor a tag is none", async () => {
  const { said } = await read({
    ...scene.log,
    manifests: [{ epoch: 1, part: 0, manifest: null }],
  });
  expect(said).toEqual([expect.stringMatching(/the list of this log's chunks cannot be read/)]);
});

test("while the run is live, what is missing may still arrive, and the end is not missed", async () => {
  const chunks = scene.log.chunks.filter(({ sequence }) => sequence !== 1);
  const { said } = await read({ ...scene.log, chunks, manifests: [] }, false);
  expect(said).toEqual(["chunk 1 has not arrived yet"]);
});

test("an attempt that another followed is over", async () => {
  const { said } = await read({ ...scene.log, manifests: [], epoch: 2 }, false);
  expect(said).toEqual(["the log of attempt 1 did not end"]);
});

test("a run that never began has no log to miss", async () => {
  expect(await read({ ...scene.log, chunks: [], manifests: [], epoch: 0 })).toEqual({
    lines: [],
    said: [],
  });
});

test("a plane that names enormous places keeps nobody busy", async () => {
  const far = { ...scene.log.chunks[0], sequence: Number.MAX_SAFE_INTEGER } as never;
  const { said } = await read({ ...scene.log, chunks: [far], epoch: Number.MAX_SAFE_INTEGER });
  expect(said).toContain("chunks 0 to 9007199254740990 are missing");
});

test("what was lost or left out where the run was is called so, and by whom", async () => {
  const { dataKey } = scene.customer;
  const writer = new LogManifestWriter();
  const places = scene.log.chunks.map(() => writer.takePlace());
  for (const { sequence, chunk } of scene.log.chunks)
    if (sequence !== 2) writer.sent(sequence, chunk);
  writer.lost(places[2] ?? -1);
  writer.leftOut(7);
  const [end] = writer.end();
  const context = { kind: "log-manifest", run: VICTIM_RUN, epoch: 1, seq: 0 } as const;
  const manifest = await sealJson(dataKey, context, end?.manifest);
  const chunks = scene.log.chunks.filter(({ sequence }) => sequence !== 2 && sequence !== 3);
  const { said } = await read({
    ...scene.log,
    chunks,
    manifests: [{ epoch: 1, part: 0, manifest }],
  });
  expect(said).toEqual([
    "chunk 2 was lost",
    "chunk 3 is missing",
    "7 lines were left out where the run was",
  ]);
});

test("a long log has a list in parts, in whatever order its chunks were sealed; a part that is missing shows", async () => {
  const { dataKey } = await aCustomer();
  const writer = new LogManifestWriter();
  const tag = `e..n.c.${"A".repeat(22)}`;
  const places = Array.from({ length: 2 * MANIFEST_PART_CHUNKS + 1 }, () => writer.takePlace());
  const early = places.toReversed().flatMap((place) => writer.sent(place, tag) ?? []);
  const parts = [...early, ...writer.end()];
  expect(
    parts.map(({ part, manifest: { from, tags, end } }) => [part, from, tags.length, end]),
  ).toEqual([
    [0, 0, MANIFEST_PART_CHUNKS, false],
    [1, MANIFEST_PART_CHUNKS, MANIFEST_PART_CHUNKS, false],
    [2, 2 * MANIFEST_PART_CHUNKS, 1, true],
  ]);
  const sealed = await Promise.all(
    parts.map(async ({ part, manifest }): Promise<LogManifestPart> => {
      const context = { kind: "log-manifest", run: VICTIM_RUN, epoch: 1, seq: part } as const;
      return { epoch: 1, part, manifest: await sealJson(dataKey, context, manifest) };
    }),
  );
  for (const { manifest } of sealed) expect(manifest?.length).toBeLessThan(64 * 1024);
  const opened = parts.map((part) => ({ epoch: 1, ...part }));
  const chunks = places.map((sequence) => ({ epoch: 1, sequence, tag: "A".repeat(22) }));
  const evidence = { chunks, lastEpoch: 1, isOver: true };
  expect(findLogFlaws({ ...evidence, manifests: opened })).toEqual([]);
  const holed = findLogFlaws({ ...evidence, manifests: opened.filter(({ part }) => part !== 1) });
  expect(holed).toMatchObject([{ kind: "unlisted" }]);
});
