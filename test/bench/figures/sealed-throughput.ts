import type { Sealed } from "@downbeat/contract";
import { sealJson, type DataKey } from "@downbeat/seal";
import { benchDataKey } from "../bench-data-key.ts";
import type { BenchDatabase } from "../bench-database.ts";
import type { Figure } from "../figure.ts";
import { unsealedEnvelope } from "../unsealed-envelope.ts";
import { CHATTY, costByTurns, GIVEN, type Way } from "./cost-by-turns.ts";

const WITHOUT_SEALING = new URL("../without-sealing.js", import.meta.url).href;
const PLACE = { kind: "parameters", dep: "chatty/default" } as const;

/** What sealing costs; the limit is taken with envelopes that encrypt nothing. */
export function sealedThroughput(database: BenchDatabase): Promise<Figure> {
  return costByTurns("sealed_throughput", database, {
    measured: wayWith({}, (dataKey) => sealJson(dataKey, PLACE, GIVEN)),
    limit: wayWith({ NODE_OPTIONS: `--import=${WITHOUT_SEALING}` }, unsealed),
  });
}

type Seal = (dataKey: DataKey) => Promise<Sealed<"parameters">>;

function wayWith(env: Record<string, string>, seal: Seal): Way {
  return {
    startAgent: (plane) => plane.startAgent(2, { env }),
    maker: async (_, client) => {
      const dataKey = await benchDataKey(client);
      return async () => ({ ...CHATTY, parameters: await seal(dataKey) });
    },
  };
}

const unsealed: Seal = async ({ id, workspaceId }) => {
  const header = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", kid: id, ws: workspaceId, ...PLACE };
  return unsealedEnvelope(header, JSON.stringify(GIVEN)) as Sealed<"parameters">;
};
