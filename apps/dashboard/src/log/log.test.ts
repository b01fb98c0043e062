import type { LogChunk, LogLine } from "@downbeat/contract";
import {
  createDataKey,
  createKeyset,
  createOpener,
  openKeyring,
  publicKeyOf,
  sealJson,
} from "@downbeat/seal";
import { describe, expect, test } from "vitest";
import { followLog, type LogPage } from "./follow-log.ts";
import { LogBook } from "./log-book.ts";
import { type LogFilter, type LogRow, logRows } from "./log-rows.ts";
import { openChunk, type OpenedChunk } from "./opened-chunk.ts";

const runId = "0192aaaa-0000-7000-8000-000000000001";
const workspaceId = "0192aaaa-0000-7000-8000-000000000002";
const keyset = await createKeyset({ workspaceId, now: new Date(0) });
const keyring = await openKeyring(keyset);
const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
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

async function openAll(book: LogBook): Promise<Map<string, OpenedChunk>> {
  const opener = createOpener(keyring, { fetchDataKeys: async () => [] });
  opener.addDataKeys([dataKey.wrapped]);
  const opened = new Map<string, OpenedChunk>();
  for (const slot of book.slots()) {
    if (slot.kind === "chunk") opened.set(slot.key, await openChunk(opener, slot.chunk));
  }
  return opened;
}

async function rowsOf(chunks: LogChunk[], filter = everything, complete = true): Promise<LogRow[]> {
  const book = new LogBook();
  book.add(chunks, [dataKey.wrapped]);
  return logRows({ slots: book.slots(), opened: await openAll(book), filter, complete });
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
      filter: everything,
      complete: true,
    });
    expect(rows).toMatchObject([{ kind: "sealed", lineCount: 2 }]);
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
    const wait = async () => void stored.push(...(batches.shift() ?? []));
    return { asked, readPage, wait };
  }

  async function follow(api: Pick<ReturnType<typeof anApi>, "readPage" | "wait">) {
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
    const { news, places } = await follow(api);
    expect(places).toEqual(["1.0", "gap 1.1", "1.2"]);
    expect(news.at(-1)?.complete).toBe(true);
  });

  test("tells of a failure and goes on", async () => {
    const api = anApi([[await aChunk(1, 0)]]);
    let failures = 1;
    const readPage = async (after: string | undefined) => {
      if (failures-- > 0) throw new Error("The API is away.");
      return api.readPage(after);
    };
    const { news, places } = await follow({ ...api, readPage });
    expect(news[0]?.error).toBeInstanceOf(Error);
    expect(news.at(-1)).toEqual({ complete: true, error: undefined });
    expect(places).toEqual(["1.0"]);
  });
});
