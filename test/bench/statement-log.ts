import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How often each kind of statement ran. */
export type StatementCounts = ReadonlyMap<string, number>;

/** Every statement that a PostgreSQL server of one's own carries out, as the server itself logs it. */
export class StatementLog {
  /** To start the server with. */
  readonly settings: Readonly<Record<string, string>>;
  readonly #directory: string;
  #read = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.settings = {
      logging_collector: "on",
      log_directory: directory,
      log_filename: FILE,
      log_file_mode: "0644",
      log_statement: "all",
      log_line_prefix: MARK,
      log_parameter_max_length: "0",
      // Its transactions are not ours.
      autovacuum: "off",
    };
  }

  static async open(): Promise<StatementLog> {
    const directory = await mkdtemp(join(tmpdir(), "downbeat-statements-"));
    // The server runs as another user.
    await chmod(directory, 0o777);
    return new StatementLog(directory);
  }

  /** What ran since the last call, by kind: what it may write, or what it reads. */
  async take(): Promise<StatementCounts> {
    const text = await readFile(join(this.#directory, FILE), "utf8");
    const counts = new Map<string, number>();
    for (const entry of text.slice(this.#read).split(MARK)) {
      const statement = STATEMENT.exec(entry)?.[1];
      if (statement === undefined) continue;
      const kind = kindOf(statement);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    this.#read = text.length;
    return counts;
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const FILE = "statements.log";
const MARK = "@@";
const STATEMENT = /^LOG: {2}(?:statement|execute [^:]+): (.*)/s;

function kindOf(statement: string): string {
  if (/^(begin|commit|rollback)/i.test(statement)) return "begin, commit";
  if (statement.includes("set_config(")) return "take on a role";
  const writes = [
    ...statement.matchAll(/\b(insert into|update|delete from) (?!skip\b|of\b)(\w+)/g),
  ];
  if (writes.length > 0) return writes.map(([text]) => text).join(", ");
  const lock = /\bfor (?:no key )?update\b/.test(statement) ? "lock" : "read";
  const table = /\bfrom (\w+)/.exec(statement)?.[1];
  return table === undefined ? statement.trim().slice(0, 40) : `${lock} ${table}`;
}
