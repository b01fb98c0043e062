import type { Client } from "@downbeat/client";
import { createOpener } from "@downbeat/seal";
import { anAttackScene, LOG_ATTACKS, VICTIM_LINES, VICTIM_RUN } from "@downbeat/seal/testing";
import type { StoredLog } from "@downbeat/seal/testing";
import { expect, test } from "vitest";
import { followLogs, type LogNote } from "./follow-logs.ts";

const scene = await anAttackScene();

/** A plane that answers with one stored log, page by page, and says that the run is over. */
function aPlane(stored: StoredLog, pageSize = 2): Pick<Client, "call"> {
  const pages = Array.from({ length: Math.ceil(stored.chunks.length / pageSize) }, (_, at) =>
    stored.chunks.slice(at * pageSize, (at + 1) * pageSize),
  );
  const answers = {
    listLogManifests: () => ({
      items: stored.manifests,
      nextAfter: null,
      dataKeys: stored.dataKeys,
    }),
    listLogChunks: ({ query: { after } }: { query: { after?: string } }) => {
      const page = after === undefined ? 0 : Number(after.split(".")[1]);
      const items = pages[page] ?? [];
      const nextAfter = items.length === 0 ? (after ?? null) : `0.${page + 1}`;
      return { items, nextAfter, complete: page + 1 >= pages.length, dataKeys: stored.dataKeys };
    },
    readRun: () => ({ epoch: stored.epoch, state: { type: "COMPLETED" } }),
  };
  const call = async (route: keyof typeof answers, input: never): Promise<unknown> =>
    answers[route](input);
  return { call } as unknown as Pick<Client, "call">;
}

async function read(stored: StoredLog) {
  const lines: string[] = [];
  const notes: LogNote[] = [];
  const opener = createOpener(scene.customer.keyring, { fetchDataKeys: async () => [] });
  const summary = await followLogs(aPlane(stored), VICTIM_RUN, opener, {
    signal: new AbortController().signal,
    follow: false,
    onLine: ({ text }) => lines.push(text),
    onNote: (note) => notes.push(note),
  });
  return { lines, said: notes.map(({ title }) => title), ...summary };
}

test("a log that arrived whole is printed without a word about it", async () => {
  const { lines, said, isWhole } = await read(scene.log);
  expect({ lines, said, isWhole }).toEqual({ lines: VICTIM_LINES, said: [], isWhole: true });
});

test.each(LOG_ATTACKS)("a plane that $name is found out", async ({ answer, says, shown }) => {
  const { lines, said, isWhole } = await read(await answer(scene));
  expect(lines).toHaveLength(shown);
  expect(VICTIM_LINES).toEqual(expect.arrayContaining(lines));
  for (const words of says) expect(said).toContainEqual(expect.stringMatching(words));
  expect(isWhole).toBe(false);
});

test("chunks in another order within a page are put right, and across pages said to come late", async () => {
  const [zero, one, two, three, four] = scene.log.chunks;
  const reordered = [one, zero, four, three, two].flatMap((chunk) => chunk ?? []);
  const { lines, said, isWhole } = await read({ ...scene.log, chunks: reordered });
  expect(lines).toEqual(["a.1.0", "a.1.1", "a.1.3", "a.1.4", "a.1.2"]);
  expect(said).toEqual(["chunk 2 is missing", "chunk 2 comes late"]);
  expect(isWhole).toBe(true);
});

test("a chunk that comes twice is printed once; another at its place is refused", async () => {
  const twice = await read({ ...scene.log, chunks: [...scene.log.chunks, ...scene.log.chunks] });
  expect(twice).toMatchObject({ lines: VICTIM_LINES, said: [], isWhole: true });
  const chunks = [...scene.log.chunks, ...scene.twin.chunks.slice(1, 2)];
  const other = await read({ ...scene.log, chunks });
  expect(other).toMatchObject({
    lines: VICTIM_LINES,
    said: ["chunk 1 is here twice"],
    isWhole: false,
  });
});
