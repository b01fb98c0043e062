const KEPT_LINES = 20;

/** Keeps the last lines of a stream of text, to show them when its process dies. */
export class LastLines {
  #lines: string[] = [];
  #rest = "";

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#lines = [...this.#lines, ...lines.filter((line) => line.trim() !== "")].slice(
      -KEPT_LINES,
    );
  }

  get text(): string {
    return [...this.#lines, ...(this.#rest === "" ? [] : [this.#rest])].join("\n");
  }
}
