import { join } from "node:path";
import { sealJson } from "@downbeat/seal";
import { readSigningKey, signerOf, signTrigger } from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import { benchDataKey } from "../bench-data-key.ts";
import type { BenchDatabase } from "../bench-database.ts";
import type { Figure } from "../figure.ts";
import { CHATTY, costByTurns, GIVEN, type Way } from "./cost-by-turns.ts";

/** What signatures cost, to who signs and to an agent that requires them; the limit is sealed work that nobody signed. */
export function signedThroughput(database: BenchDatabase): Promise<Figure> {
  return costByTurns("signed_throughput", database, { measured: SIGNED, limit: UNSIGNED });
}

const UNSIGNED: Way = {
  startAgent: (plane) => plane.startAgent(2),
  maker: async (_, client) => {
    const dataKey = await benchDataKey(client);
    return async () => {
      const runId = uuidv7();
      const place = { kind: "parameters", dep: "chatty/default", run: runId } as const;
      return { ...CHATTY, runId, parameters: await sealJson(dataKey, place, GIVEN) };
    };
  },
};

const SIGNED: Way = {
  startAgent: (plane) => plane.startAgent(2, { isSigned: true }),
  maker: async (plane, client) => {
    const make = await UNSIGNED.maker(plane, client);
    const signer = await signerOf(await readSigningKey(join(plane.keyFolder, "signing.json")));
    const workspaceId = (await client.call("whoAmI", {})).workspace.id;
    return async () => {
      const run = await make();
      const signing = { signer, workspaceId, now: new Date() };
      return { ...run, signature: await signTrigger(signing, run) };
    };
  },
};
