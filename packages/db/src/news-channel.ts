import pg from "pg";

/** Word between the processes that work on one database. Nothing may depend on its arrival: it saves waiting, no more. */
export type NewsChannel = {
  /**
   * Tells the other processes, if there are any. What is told while a message is under way travels together; equal texts
   * add up. Dropped while the database cannot be reached.
   */
  readonly tell: (text: string, count?: number) => void;
  readonly close: () => Promise<void>;
};

export type HearNews = (text: string, count: number) => void;

const CHANNEL = "downbeat_news";
const LISTENER = "downbeat-news";
// PostgreSQL takes less than 8,000.
const MOST_BYTES = 7_000;
const PEERS_MS = 5_000;
const RECONNECT_MS = 1_000;

/** For a database of one process: nobody hears, and nothing is sent. */
export const NO_NEWS: NewsChannel = { tell: () => {}, close: async () => {} };

/**
 * Opens a channel over LISTEN and NOTIFY, on a connection of its own that is made anew whenever it breaks. Texts hold no
 * line break and at most 200 characters.
 */
export function openNewsChannel(url: string, hear: HearNews): NewsChannel {
  return new PostgresNews(url, hear);
}

class PostgresNews implements NewsChannel {
  readonly #url: string;
  readonly #hear: HearNews;
  readonly #waiting = new Map<string, number>();
  #client: pg.Client | undefined;
  #hasPeers = false;
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void>;
  #isClosed = false;

  constructor(url: string, hear: HearNews) {
    this.#url = url;
    this.#hear = hear;
    this.#round = this.#keep();
  }

  readonly tell = (text: string, count = 1): void => {
    if (!this.#hasPeers) return;
    this.#waiting.set(text, (this.#waiting.get(text) ?? 0) + count);
    if (!this.#isSending) void this.#send();
  };

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#round;
    await this.#client?.end().catch(() => {});
  };

  /** Connects if need be, looks who else listens, and does so again later. */
  async #keep(): Promise<void> {
    let delayMs = PEERS_MS;
    try {
      this.#client ??= await this.#connect();
      this.#hasPeers = await hasPeers(this.#client);
    } catch {
      this.#lose(this.#client);
      delayMs = RECONNECT_MS;
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void (this.#round = this.#keep()), delayMs);
    this.#timer.unref();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: LISTENER,
      keepAlive: true,
      connectionTimeoutMillis: PEERS_MS,
      // Nobody waits for word of what is committed already.
      options: "-c synchronous_commit=off",
    });
    client.on("error", () => this.#lose(client));
    client.on("notification", ({ processId, payload = "" }) => {
      if (processId !== (client as ProcessNamed).processID) this.#read(payload);
    });
    await client.connect();
    // The empty message says that somebody new listens.
    await client.query(`listen ${CHANNEL}; notify ${CHANNEL}`);
    return client;
  }

  #lose(client: pg.Client | undefined): void {
    this.#hasPeers = false;
    this.#waiting.clear();
    if (this.#client === client) this.#client = undefined;
    void client?.end().catch(() => {});
  }

  #read(payload: string): void {
    this.#hasPeers = true;
    if (payload === "") return;
    for (const line of payload.split("\n")) {
      const at = line.indexOf(" ");
      this.#hear(line.slice(at + 1), Number(line.slice(0, at)));
    }
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    try {
      for (let text = this.#take(); text !== "" && this.#client !== undefined; text = this.#take())
        await this.#client.query("select pg_notify($1, $2)", [CHANNEL, text]);
    } catch {
      this.#lose(this.#client);
    } finally {
      this.#isSending = false;
    }
  }

  /** As much of what waits as one message holds. */
  #take(): string {
    const lines: string[] = [];
    let bytes = 0;
    for (const [text, count] of this.#waiting) {
      const line = `${count} ${text}`;
      bytes += line.length + 1;
      if (bytes > MOST_BYTES) break;
      this.#waiting.delete(text);
      lines.push(line);
    }
    return lines.join("\n");
  }
}

/** Known to the driver, not to its types. */
type ProcessNamed = { readonly processID?: number };

async function hasPeers(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ peers: boolean }>(
    `select exists (select from pg_stat_activity
      where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()) as peers`,
    [LISTENER],
  );
  return rows[0]?.peers === true;
}
