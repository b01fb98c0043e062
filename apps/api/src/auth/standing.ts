import { findApiKey, standingAgents, type Database } from "@downbeat/db";
import { GroupCommit } from "../group-commit.ts";
import { isUnreachable } from "../unreachable.ts";
import type { Principal } from "./principal.ts";

/** `now`: a request waits for the answer. `soon`: it may take a second, and share a statement with others. */
export type Urgency = "now" | "soon";

const SOON_MS = 1_000;
const AGENTS = "agents";

/** Whether the key or agent behind an access token still stands: it exists, and was neither revoked nor has expired. */
export class Standing {
  readonly #database: Database;
  readonly #now: () => Date;
  readonly #agents: GroupCommit<string, boolean>;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
    this.#agents = new GroupCommit({
      lingerMs: SOON_MS,
      commit: async (_key, ids) => {
        const standing = await database.asOperator((tx) => standingAgents(tx, ids));
        return ids.map((id) => standing.has(id));
      },
      isFatal: isUnreachable,
    });
  }

  async of({ kind, id }: Principal, urgency: Urgency): Promise<boolean> {
    if (kind !== "agent") return this.#keyStands(id);
    const answer = this.#agents.submit(AGENTS, id);
    if (urgency === "now") this.#agents.hurry(AGENTS);
    return answer;
  }

  async #keyStands(id: string): Promise<boolean> {
    const key = (await this.#database.asOperator((tx) => findApiKey(tx, id)))?.apiKey;
    const expiresAt = key?.expiresAt ?? null;
    return (
      key !== undefined && !key.revoked && (expiresAt === null || new Date(expiresAt) > this.#now())
    );
  }
}
