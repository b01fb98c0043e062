import { StringDecoder } from "node:string_decoder";

/** A line longer than this is handed on in pieces: a program that prints no line ends must not fill the memory. */
const LONGEST_LINE = 32 * 1024;

/** Cuts a byte stream into lines; characters and lines split across chunks are put together again. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** The lines completed by this chunk. */
  push(chunk: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LONGEST_LINE) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    return lines.flatMap((line) => pieces(line.endsWith("\r") ? line.slice(0, -1) : line));
  }

  /** What stands after the last line end, if anything. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    return rest === "" ? [] : pieces(rest);
  }
}

function pieces(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line];
  const found: string[] = [];
  for (let at = 0; at < line.length; at += LONGEST_LINE)
    found.push(line.slice(at, at + LONGEST_LINE));
  return found;
}
