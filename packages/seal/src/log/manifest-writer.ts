import type { LogManifest } from "@downbeat/contract";

/** Most chunks that one part lists: its sealed text stays well under what may be sent. */
export const MANIFEST_PART_CHUNKS = 1000;

/** A part of a manifest, ready to be sealed with its number as `seq`. */
export type ManifestPart = { readonly part: number; readonly manifest: LogManifest };

/**
 * Keeps the list of what an attempt's log consists of, for whoever seals and sends it. Chunks take their places in order;
 * their sealing may finish in any.
 */
export class LogManifestWriter {
  /** Of the part being filled, by place less {@link #from}; undefined: still being sealed. */
  #tags: (string | null | undefined)[] = [];
  #from = 0;
  #part = 0;
  #linesLeftOut = 0;

  /** Whether there is no chunk, and no line was left out. */
  get isEmpty(): boolean {
    return this.#from === 0 && this.#tags.length === 0 && this.#linesLeftOut === 0;
  }

  /** The place of the next chunk, which the caller then tells of with {@link sent} or {@link lost}. */
  takePlace(): number {
    return this.#from + this.#tags.push(undefined) - 1;
  }

  /** Returns a part that is full and must be sealed and sent now, if this made it so. */
  sent(place: number, blob: string): ManifestPart | undefined {
    return this.#settle(place, tagOf(blob));
  }

  /** The chunk could not be sealed or will not be sent. */
  lost(place: number): ManifestPart | undefined {
    return this.#settle(place, null);
  }

  /** Lines that never made it into a chunk. */
  leftOut(lines: number): void {
    this.#linesLeftOut += lines;
  }

  /** The parts that are left, the last one among them. What is still being sealed counts as lost: wait for it before. */
  end(): ManifestPart[] {
    const parts: ManifestPart[] = [];
    while (this.#tags.length > MANIFEST_PART_CHUNKS)
      parts.push(this.#take(MANIFEST_PART_CHUNKS, false));
    return [...parts, this.#take(this.#tags.length, true)];
  }

  #settle(place: number, tag: string | null): ManifestPart | undefined {
    this.#tags[place - this.#from] = tag;
    if (this.#tags.length <= MANIFEST_PART_CHUNKS) return undefined;
    const isSettled = !this.#tags.slice(0, MANIFEST_PART_CHUNKS).includes(undefined);
    return isSettled ? this.#take(MANIFEST_PART_CHUNKS, false) : undefined;
  }

  #take(count: number, end: boolean): ManifestPart {
    const from = this.#from;
    const tags = this.#tags.splice(0, count).map((tag) => tag ?? null);
    this.#from += count;
    return { part: this.#part++, manifest: { from, tags, linesLeftOut: this.#linesLeftOut, end } };
  }
}

/** The tag of a compact JWE, which only a holder of its data key could give to another text. */
export function tagOf(blob: string): string {
  return blob.slice(blob.lastIndexOf(".") + 1);
}
