import { createHash, randomUUID } from "node:crypto";
import { createClient, type Client } from "@downbeat/client";
import { createDataKey, createKeyset, openKeyring, publicKeyOf, sealJson } from "@downbeat/seal";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { BenchPlane } from "./bench-plane.ts";

/** Registers a deployment of each flow and joins the default pool as an agent that speaks the protocol and runs nothing. */
export async function joinPool(
  plane: BenchPlane,
  client: Client,
  capacity: number,
  flows: readonly { readonly flowName: string; readonly poolName?: string }[] = [
    { flowName: "bench" },
  ],
) {
  const { workspace } = await client.call("whoAmI", {});
  const keyset = await createKeyset({ workspaceId: workspace.id, now: new Date() });
  const keyring = await openKeyring(keyset);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  const deployments = await Promise.all(
    flows.map(async ({ flowName, ...place }) => {
      const context = { kind: "entrypoint", dep: `${flowName}/default` } as const;
      const code = { path: "flows/bench.ts", export: flowName };
      const entrypoint = await sealJson(dataKey, context, code);
      const contentHash = createHash("sha256").update(flowName).digest("hex");
      return { flowName, ...place, contentHash, entrypoint };
    }),
  );
  await client.call("deploy", { body: { deployments } });
  return joinAgent(plane, client, capacity);
}

const JOINING_AT_ONCE = 20;

/** Joins the default pool as so many agents, as {@link joinPool} does for one. */
export async function joinAgents(
  plane: BenchPlane,
  client: Client,
  { count, capacity }: { readonly count: number; readonly capacity: number },
) {
  const agents = [await joinPool(plane, client, capacity)];
  while (agents.length < count) {
    const more = Math.min(JOINING_AT_ONCE, count - agents.length);
    const joined = Array.from({ length: more }, () => joinAgent(plane, client, capacity));
    agents.push(...(await Promise.all(joined)));
  }
  return agents;
}

/** Joins the default pool as one more agent. */
export async function joinAgent(
  { apiUrl }: Pick<BenchPlane, "apiUrl">,
  client: Client,
  capacity: number,
) {
  const { token } = await client.call("createEnrolmentToken", { params: { poolName: "default" } });
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const publicJwk = { kty, crv, x, y } as { kty: "EC"; crv: "P-256"; x: string; y: string };
  const { agentId } = await client.call("enrolAgent", {
    body: { token, name: `bench-${randomUUID()}`, publicJwk },
  });
  const agentClient = createClient({
    apiUrl,
    signAssertion: () =>
      new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: "ES256", kid: agentId })
        .setIssuer(agentId)
        .setSubject(agentId)
        .setAudience("downbeat-api")
        .setIssuedAt()
        .setExpirationTime("60s")
        .sign(privateKey),
  });
  const session = await agentClient.call("openSession", { body: { capacity, version: "bench" } });
  return { client: agentClient, sessionId: session.sessionId };
}
