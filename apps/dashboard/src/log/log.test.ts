import { DownbeatError, type LogChunk, type LogLine } from "@downbeat/contract";
import { createOpener, sealJson } from "@downbeat/seal";
import { openLogChunk, openLogManifest, type OpenedChunk } from "@downbeat/seal/log";
import { anAttackScene, LOG_ATTACKS, VICTIM_LINES, VICTIM_RUN } from "@downbeat/seal/testing";
import type { StoredLog } from "@downbeat/seal/testing";
import { describe, expect, test } from "vitest";
import { followLog, type FollowLogDeps, type LogPage } from "./follow-log.ts";
import { LogBook } from "./log-book.ts";
import { logFlaws } from "./log-flaws.ts";
import { type LogFilter, type LogRow, logRows } from "./log-rows.ts";

const runId = VICTIM_RUN;
const scene = await anAttackScene();
const { dataKey, keyring } = scene.customer;
const everything: LogFilter = { level: "debug", text: "" };

function aLine(text: string, level: LogLine["level"] = "info"): LogLine {
  return { at: "2026-01-01T00:00:00.000Z", level, logger: "flow", text };
}

async function aChunk(epoch: number, sequence: number, lines = [aLine(`${epoch}.${sequence}`)]) {
  const context = { kind: "log", run: runId, epoch, seq: sequence } as const;
  const chunk: LogChunk = {
    runId,
    epoch,
    sequence,
    lineCount: lines.length,
    receivedAt: "2026-01-01T00:00:00.000Z",
    chunk: await sealJson(dataKey, context, lines),
  };
  return chunk;
}

/** The rows of an unlocked page for what a plane has answered. */
async function rowsOfLog(stored: StoredLog, filter = everything): Promise<LogRow[]> {
  const book = new LogBook();
  book.add(stored.chunks, stored.dataKeys);
  book.addManifests(stored.manifests, stored.dataKeys);
  const opener = createOpener(keyring, { fetchDataKeys: async () => [] });
  opener.addDataKeys(book.dataKeys());
  const slots = book.slots();
  const opened = new Map<string, OpenedChunk>();
  for (const { key, chunk } of slots) opened.set(key, await openLogChunk(opener, runId, chunk));
  const manifests = await Promise.all(
    book.manifests().map((part) => openLogManifest(opener, runId, part)),
  );
  const flaws = logFlaws(slots, manifests, { complete: true, lastEpoch: stored.epoch });
  return logRows({ slots, opened, flaws, filter });
}

/** Rows of chunks alone, of which nobody has said yet what they should be. */
async function rowsOf(chunks: LogChunk[], filter = everything, complete = true): Promise<LogRow[]> {
  const book = new LogBook();
  book.add(chunks, [dataKey.wrapped]);
  const opener = createOpener(keyring, { fetchDataKeys: async () => [dataKey.wrapped] });
  const slots = book.slots();
  const opened = new Map<string, OpenedChunk>();
  for (const { key, chunk } of slots) opened.set(key, await openLogChunk(opener, runId, chunk));
  const flaws = logFlaws(slots, undefined, { complete, lastEpoch: 1 });
  return logRows({ slots, opened, flaws, filter });
}

function words(rows: readonly LogRow[]): string[] {
  return rows.map((row) =>
    row.kind === "line" ? row.line.text : row.kind === "note" ? row.text : "sealed",
  );
}

describe("the log of a run", () => {
  test("stands in order of attempt and sequence, however the chunks arrived", async () => {
    const chunks = await Promise.all([aChunk(2, 0), aChunk(1, 1), aChunk(1, 10), aChunk(1, 0)]);
    const between = await Promise.all([2, 3, 4, 5, 6, 7, 8, 9].map((n) => aChunk(1, n)));
    const texts = words(await rowsOf([...chunks, ...between]));
    const first = Array.from({ length: 11 }, (_, index) => `1.${index}`);
    expect(texts).toEqual([...first, "2.0"]);
  });

  test("says which chunk is missing", async () => {
    const chunks = await Promise.all([aChunk(1, 0), aChunk(1, 1), aChunk(1, 2), aChunk(1, 4)]);
    expect(words(await rowsOf(chunks))).toEqual(["1.0", "1.1", "1.2", "chunk 3 is missing", "1.4"]);
  });

  test("says so at its start as well, and of several at once", async () => {
    const chunks = [await aChunk(1, 2)];
    expect(words(await rowsOf(chunks))).toEqual(["chunks 0 to 1 are missing", "1.2"]);
  });

  test("waits for a gap while the run is live", async () => {
    const chunks = await Promise.all([aChunk(1, 0), aChunk(1, 2)]);
    expect(words(await rowsOf(chunks, everything, false))[1]).toBe("chunk 1 has not arrived yet");
  });

  test("hides lines below the level, never the note that something is missing", async () => {
    const lines = [aLine("a", "debug"), aLine("b", "warn"), aLine("c", "error"), aLine("d")];
    const chunks = [await aChunk(1, 1, lines)];
    const rows = await rowsOf(chunks, { level: "warn", text: "" });
    expect(words(rows)).toEqual(["chunk 0 is missing", "b", "c"]);
  });

  test("finds text in any case", async () => {
    const chunks = [await aChunk(1, 0, [aLine("Loaded Orders"), aLine("other")])];
    expect(words(await rowsOf(chunks, { level: "debug", text: "orders" }))).toEqual([
      "Loaded Orders",
    ]);
  });

  test("shows a chunk that was moved to another place as such, and goes on", async () => {
    const [zero, one] = await Promise.all([aChunk(1, 0), aChunk(1, 1)]);
    const rows = await rowsOf([zero, { ...one, chunk: zero.chunk }, await aChunk(1, 2)]);
    expect(words(rows)).toEqual(["1.0", "chunk 1 belongs elsewhere", "1.2"]);
  });

  test("shows an altered chunk as such", async () => {
    const chunk = await aChunk(1, 0);
    const parts = chunk.chunk.split(".");
    parts[3] = `${parts[3]?.startsWith("A") === true ? "B" : "A"}${parts[3]?.slice(1)}`;
    const altered = { ...chunk, chunk: parts.join(".") as LogChunk["chunk"] };
    expect(words(await rowsOf([altered]))).toEqual(["chunk 0 was altered"]);
  });

  test("counts the lines of chunks that are still sealed", async () => {
    const book = new LogBook();
    book.add([await aChunk(1, 0, [aLine("a"), aLine("b")])], []);
    const rows = logRows({
      slots: book.slots(),
      opened: new Map(),
      flaws: [],
      filter: everything,
    });
    expect(rows).toMatchObject([{ kind: "sealed", lineCount: 2 }]);
  });
});

describe("a log from a plane that has gone over to the enemy", () => {
  test("is read in full when nothing was done to it", async () => {
    expect(words(await rowsOfLog(scene.log))).toEqual(VICTIM_LINES);
  });

  test.each(LOG_ATTACKS)("which $name, is found out", async ({ answer, says, shown }) => {
    const rows = await rowsOfLog(await answer(scene));
    const lines = rows.flatMap((row) => (row.kind === "line" ? [row.line.text] : []));
    const said = rows.flatMap((row) => (row.kind === "note" ? [row.text] : []));
    expect(lines).toHaveLength(shown);
    expect(VICTIM_LINES).toEqual(expect.arrayContaining(lines));
    for (const expected of says) expect(said).toContainEqual(expect.stringMatching(expected));
  });

  test("says so in the place where it shows", async () => {
    const chunks = scene.log.chunks.filter(({ sequence }) => sequence !== 1 && sequence !== 4);
    expect(words(await rowsOfLog({ ...scene.log, chunks }))).toEqual([
      "a.1.0",
      "chunk 1 is missing",
      "a.1.2",
      "a.1.3",
      "chunk 4 is missing",
    ]);
  });

  test("is put in order, and one that comes twice shown once", async () => {
    const chunks = [...scene.log.chunks.toReversed(), ...scene.log.chunks];
    expect(words(await rowsOfLog({ ...scene.log, chunks }))).toEqual(VICTIM_LINES);
  });

  test("shows what is missing in between while the page is locked, and guesses nothing else", () => {
    const book = new LogBook();
    book.add(
      scene.log.chunks.filter(({ sequence }) => sequence !== 2),
      [],
    );
    const flaws = logFlaws(book.slots(), undefined, { complete: true, lastEpoch: 2 });
    expect(flaws.map(({ title }) => title)).toEqual(["chunk 2 is missing"]);
  });
});

describe("following a log", () => {
  /** An API that stores chunks over time; each wait of the follower lets the next batch arrive. */
  function anApi(batches: LogChunk[][], { limit = 2 } = {}) {
    const stored: LogChunk[] = [...(batches.shift() ?? [])];
    const asked: (string | undefined)[] = [];
    const inOrder = () => stored.toSorted((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
    const placeOf = (chunk: LogChunk) => chunk.epoch * 1_000 + chunk.sequence;
    const readPage = async (after: string | undefined): Promise<LogPage> => {
      asked.push(after);
      const [epoch = -1, sequence = 0] = after?.split(".").map(Number) ?? [];
      const later = inOrder().filter((chunk) => placeOf(chunk) > epoch * 1_000 + sequence);
      const items = later.slice(0, limit);
      const last = items.at(-1);
      const nextAfter = last === undefined ? null : `${last.epoch}.${last.sequence}`;
      const complete = batches.length === 0 && later.length <= limit;
      return { items, nextAfter, complete, dataKeys: [dataKey.wrapped] };
    };
    const readManifests: FollowLogDeps["readManifests"] = async () => ({
      items: batches.length === 0 ? [...scene.log.manifests] : [],
      nextAfter: null,
      dataKeys: [dataKey.wrapped],
    });
    const wait = async () => void stored.push(...(batches.shift() ?? []));
    return { asked, readPage, readManifests, wait };
  }

  async function follow(
    api: Pick<ReturnType<typeof anApi>, "readPage" | "readManifests" | "wait">,
  ) {
    const book = new LogBook();
    const news: { complete: boolean; error: unknown }[] = [];
    const onChange = (one: { complete: boolean; error: unknown }) => void news.push(one);
    await followLog({ ...api, book, onChange, signal: new AbortController().signal });
    const places = book.slots().map(({ key }) => key);
    return { book, news, places };
  }

  test("pages through what is stored and stops when it is complete", async () => {
    const api = anApi([await Promise.all([0, 1, 2, 3, 4].map((n) => aChunk(1, n)))]);
    const { places, news } = await follow(api);
    expect(places).toEqual(["1.0", "1.1", "1.2", "1.3", "1.4"]);
    expect(news).toEqual([{ complete: true, error: undefined }]);
  });

  test("asks only for what is new", async () => {
    const api = anApi([[await aChunk(1, 0)], [await aChunk(1, 1)], []]);
    await follow(api);
    expect(api.asked).toEqual([undefined, "1.0", "1.0", "1.1", "1.1"]);
  });

  test("finds a chunk that arrived behind its back", async () => {
    const late = await aChunk(1, 1);
    const api = anApi([[await aChunk(1, 0), await aChunk(1, 2)], [late], [], []]);
    expect((await follow(api)).places).toEqual(["1.0", "1.1", "1.2"]);
  });

  test("gives up on a gap that never closes", async () => {
    const api = anApi([[await aChunk(1, 0), await aChunk(1, 2)]]);
    const { book, news, places } = await follow(api);
    expect(places).toEqual(["1.0", "1.2"]);
    expect(news.at(-1)?.complete).toBe(true);
    expect(book.manifests()).toEqual(scene.log.manifests);
  });

  test.each([
    ["a failure", new Error("The API is away.")],
    ["a proxy's error page", new DownbeatError("response_invalid")],
  ])("tells of %s and goes on", async (_, failure) => {
    const api = anApi([[await aChunk(1, 0)]]);
    let failures = 1;
    const readPage = async (after: string | undefined) => {
      if (failures-- > 0) throw failure;
      return api.readPage(after);
    };
    const { news, places } = await follow({ ...api, readPage });
    expect(news[0]?.error).toBe(failure);
    expect(news.at(-1)).toEqual({ complete: true, error: undefined });
    expect(places).toEqual(["1.0"]);
  });

  test("does not ask again what would be answered the same", async () => {
    const api = anApi([[await aChunk(1, 0)]]);
    const failure = new DownbeatError("not_found");
    const { news } = await follow({ ...api, readPage: () => Promise.reject(failure) });
    expect(news).toEqual([{ complete: false, error: failure }]);
  });
});
