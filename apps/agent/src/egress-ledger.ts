import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Sending } from "@downbeat/client";
import { DownbeatError, type EgressEntry } from "@downbeat/contract";
import { describeSending, type Sent } from "./describe-sending.ts";

export type LedgerOptions = {
  /** Made with mode 0700 if need be. */
  readonly directory: string;
  /** When its files take more, the oldest goes. */
  readonly maxBytes: number;
  readonly now: () => Date;
};

const SEGMENT_NAME = /^egress-(\d{8})\.jsonl$/;
// A ledger holds at least this many files, so that dropping the oldest one keeps most of it.
const SEGMENTS = 16;

/**
 * The record of everything this agent sends, written before it goes: what cannot be recorded is not sent. Appended to,
 * bounded, each line chained to the one before. `downbeat agent audit` reads it.
 */
export class EgressLedger {
  readonly #options: LedgerOptions;
  #segment: number;
  #segmentBytes: number;
  #previous: string | null;
  /** One line after another: each carries the hash of the one before. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: LedgerOptions, end: Pick<End, "segment" | "bytes" | "previous">) {
    this.#options = options;
    this.#segment = end.segment;
    this.#segmentBytes = end.bytes;
    this.#previous = end.previous;
  }

  /** Opens the ledger and goes on where a predecessor ended. */
  static async open(options: LedgerOptions): Promise<EgressLedger> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    return new EgressLedger(options, await findEnd(options.directory));
  }

  /**
   * Resolves once the request is on record; it survives the death of this process.
   *
   * @throws DownbeatError `unavailable` when the file cannot be written
   */
  record(sending: Sending): Promise<void> {
    const entry = describeSending(sending, this.#options.now());
    const written = this.#writing.then(() => this.#append(entry));
    // The next one is tried whatever became of this one.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #append(entry: Sent): Promise<void> {
    const line = JSON.stringify({ ...entry, previous: this.#previous } satisfies EgressEntry);
    try {
      if (this.#segmentBytes >= this.#options.maxBytes / SEGMENTS) await this.#turnPage();
      // Some 35 µs on this thread: the request waits for it, and each of the three ways to another thread and back takes longer.
      appendFileSync(this.#fileOf(this.#segment), `${line}\n`, { mode: 0o600 });
    } catch (cause) {
      throw new DownbeatError("unavailable", {
        message: `The egress ledger in ${this.#options.directory} cannot be written; nothing is sent without it.`,
        cause,
      });
    }
    this.#segmentBytes += Buffer.byteLength(line) + 1;
    this.#previous = sha256(line);
  }

  async #turnPage(): Promise<void> {
    this.#segment += 1;
    this.#segmentBytes = 0;
    const old = (await segmentsIn(this.#options.directory)).filter(
      (segment) => segment <= this.#segment - SEGMENTS,
    );
    for (const segment of old) await rm(this.#fileOf(segment), { force: true });
  }

  #fileOf(segment: number): string {
    return fileOf(this.#options.directory, segment);
  }
}

type End = { readonly segment: number; readonly bytes: number; readonly previous: string | null };

async function findEnd(directory: string): Promise<End> {
  const segment = (await segmentsIn(directory)).at(-1);
  if (segment === undefined) return { segment: 1, bytes: 0, previous: null };
  const file = fileOf(directory, segment);
  const lines = (await readFile(file, "utf8")).split("\n");
  // A line that the death of the predecessor cut short is no line; it stays, and the chain shows it.
  const rest = lines.pop() ?? "";
  if (rest !== "") appendFileSync(file, "\n");
  const last = rest === "" ? lines.at(-1) : rest;
  return {
    segment,
    bytes: (await stat(file)).size,
    previous: last === undefined ? null : sha256(last),
  };
}

async function segmentsIn(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

function fileOf(directory: string, segment: number): string {
  return join(directory, `egress-${String(segment).padStart(8, "0")}.jsonl`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
