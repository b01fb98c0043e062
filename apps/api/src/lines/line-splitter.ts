/** A line without its end, or word that there was one which is longer than any may be. */
export type Line = { readonly bytes: Buffer } | "too long";

const NOTHING = Buffer.alloc(0);
const NEWLINE = 0x0a;

/**
 * Cuts bytes into lines, wherever the bytes were cut before. Of a line that is longer than the limit nothing is kept but that
 * it was there.
 */
export class LineSplitter {
  readonly #limitBytes: number;
  /** Not looked at yet. */
  #rest: Buffer = NOTHING;
  /** The begun line, in its own memory: as many tiny pieces it would take far more than its length. */
  #begun: Buffer = NOTHING;
  #begunBytes = 0;
  #isTooLong = false;

  /** @param limitBytes longest line, without its end */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#begunBytes + this.#rest.length;
  }

  add(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  /** The next whole line; undefined when more bytes are needed. */
  next(): Line | undefined {
    const end = this.#rest.indexOf(NEWLINE);
    const part = end === -1 ? this.#rest : this.#rest.subarray(0, end);
    this.#rest = end === -1 ? NOTHING : this.#rest.subarray(end + 1);
    if (end === -1) return this.#keep(part);
    return this.#endWith(part);
  }

  /** What there is after the last line end, once all bytes have been added. */
  last(): Line | undefined {
    return this.#begunBytes === 0 && !this.#isTooLong ? undefined : this.#endWith(NOTHING);
  }

  #endWith(part: Buffer): Line {
    const isWhole = this.#begunBytes === 0 && !this.#isTooLong && part.length <= this.#limitBytes;
    if (!isWhole) this.#keep(part);
    const bytes = isWhole ? part : this.#begun.subarray(0, this.#begunBytes);
    const line = this.#isTooLong ? "too long" : { bytes };
    this.#begun = NOTHING;
    this.#begunBytes = 0;
    this.#isTooLong = false;
    return line;
  }

  #keep(part: Buffer): undefined {
    const bytes = this.#begunBytes + part.length;
    if (bytes > this.#limitBytes) this.#isTooLong = true;
    if (this.#isTooLong) {
      this.#begun = NOTHING;
      this.#begunBytes = 0;
      return;
    }
    if (bytes > this.#begun.length) this.#grow(bytes);
    part.copy(this.#begun, this.#begunBytes);
    this.#begunBytes = bytes;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafe(
      Math.min(this.#limitBytes, Math.max(bytes, 2 * this.#begun.length)),
    );
    this.#begun.copy(larger, 0, 0, this.#begunBytes);
    this.#begun = larger;
  }
}
