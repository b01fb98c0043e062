import pc from "picocolors";

export type OutputOptions = {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean };
};

type Colors = ReturnType<typeof pc.createColors>;

/** Data goes to stdout, everything said about it to stderr, so that both can be piped apart. */
export class Output {
  readonly json: boolean;
  /** Colours for stdout. */
  readonly colors: Colors;
  /** Colours for stderr. */
  readonly noteColors: Colors;
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.json = options.json;
    this.colors = pc.createColors(!options.noColor && options.stdout.isTTY === true);
    this.noteColors = pc.createColors(!options.noColor && options.stderr.isTTY === true);
  }

  /** Prints a result: the JSON of `value` with --json, else what `render` makes of it. */
  result(value: unknown, render: (colors: Colors) => string): void {
    this.line(this.json ? JSON.stringify(value, null, 2) : render(this.colors));
  }

  /** One line of data. */
  line(text: string): void {
    if (text !== "") this.#options.stdout.write(`${text}\n`);
  }

  /** One event of a stream: a JSON document a line with --json, else `text`. */
  event(value: unknown, text: string): void {
    this.line(this.json ? JSON.stringify(value) : text);
  }

  /** Progress and hints; --quiet silences them. */
  note(text: string): void {
    if (!this.#options.quiet) this.#options.stderr.write(`${text}\n`);
  }

  /** Warnings and errors are always said. */
  warn(text: string): void {
    this.#options.stderr.write(`${text}\n`);
  }
}
