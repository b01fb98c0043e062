import { LineSplitter } from "./line-splitter.ts";

export type OutputStream = "stdout" | "stderr";

type Chunk = { readonly stream: OutputStream; readonly bytes: Buffer };

export type ProcessOutputOptions = {
  readonly onLine: (stream: OutputStream, text: string) => void;
  /** Whether what was said over the channel before a chunk was printed may not have been read yet. */
  readonly mayPrecede: () => boolean;
};

const HEAP_EXHAUSTED = /heap out of memory|Allocation failed - |Fatal process out of memory/;

/** What a process prints, cut into lines. */
export class ProcessOutput {
  readonly #options: ProcessOutputOptions;
  readonly #splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  #heard: Chunk[] = [];
  #heapExhausted = false;

  constructor(options: ProcessOutputOptions) {
    this.#options = options;
  }

  /** V8 said so before it aborted. */
  get heapExhausted(): boolean {
    return this.#heapExhausted;
  }

  hear(stream: OutputStream, bytes: Buffer): void {
    if (stream === "stderr" && HEAP_EXHAUSTED.test(bytes.toString("latin1")))
      this.#heapExhausted = true;
    this.#heard.push({ stream, bytes });
    if (this.#heard.length > 1) return; // handed on with the one before
    // Pipes are read in no order; a turn of the loop later everything is read that was written before.
    if (this.#options.mayPrecede()) setImmediate(() => setImmediate(() => this.handOn()));
    else this.handOn();
  }

  /** Hands on the lines heard so far. */
  handOn(): void {
    for (const { stream, bytes } of this.#heard.splice(0))
      for (const line of this.#splitters[stream].push(bytes)) this.#options.onLine(stream, line);
  }

  /** Hands on everything, the last line too if it has no end. */
  end(): void {
    this.handOn();
    for (const stream of ["stdout", "stderr"] as const)
      for (const line of this.#splitters[stream].end()) this.#options.onLine(stream, line);
  }
}
