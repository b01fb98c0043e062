import { open } from "node:fs/promises";
import { DownbeatError } from "@downbeat/contract";

/** A line of a file, numbered from 1. */
export type NumberedLine = { readonly number: number; readonly text: string };

/**
 * The lines of `@file` or `-` (stdin) that are not empty, together as they are read: as many as there are at a time.
 *
 * @throws {DownbeatError} `usage_invalid` when the source is neither, or the file cannot be read
 */
export async function* readLines(source: string): AsyncGenerator<readonly NumberedLine[]> {
  const decoder = new TextDecoder();
  let begun = "";
  let number = 0;
  const numbered = (texts: readonly string[]): NumberedLine[] =>
    texts.map((text) => ({ number: (number += 1), text })).filter(({ text }) => text.trim() !== "");
  // Not `readline`: it also ends lines where JSON may hold a line separator.
  for await (const bytes of chunksOf(source)) {
    const texts = (begun + decoder.decode(bytes, { stream: true })).split("\n");
    begun = texts.pop() ?? "";
    yield numbered(texts);
  }
  yield numbered([begun]);
}

async function* chunksOf(source: string): AsyncGenerator<Uint8Array> {
  if (source === "-") return yield* process.stdin as AsyncIterable<Buffer>;
  if (!source.startsWith("@")) {
    throw new DownbeatError("usage_invalid", {
      message: `--each ${source} is neither @file nor - for stdin.`,
    });
  }
  try {
    const file = await open(source.slice(1));
    yield* file.createReadStream() as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new DownbeatError("usage_invalid", {
      message: `The file of --each ${source} cannot be read.`,
      cause,
    });
  }
}
