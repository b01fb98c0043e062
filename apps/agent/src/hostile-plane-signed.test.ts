import { createHmac, randomUUID } from "node:crypto";
import type { Lease, Signed } from "@downbeat/contract";
import { sealToPublicKey } from "@downbeat/seal";
import { publicKeySetOf } from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { jwsPart, SignedWorld, type Offered } from "./signed-world.fixture.ts";

// As in hostile-plane.test.ts, but the plane could go further there: it may make runs of its own with parameters sealed to
// the public key, and go back to what was genuine once. An agent that requires signatures runs none of it.

let signed: SignedWorld;

beforeAll(async () => {
  signed = await SignedWorld.start((isOver) => vi.waitUntil(isOver, { timeout: 20_000 }));
});
afterAll(() => signed.stop());

const DAY_MS = 24 * 3600 * 1000;
const REFUSED = "FAILED signature_refused SignatureError";

const payloadOf = (jws: string | null | undefined): string => jws?.split(".")[1] ?? "";
const stateIn = (jws: string | null | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(payloadOf(jws), "base64url").toString()) as Record<string, unknown>;
const as = <K extends "deployment" | "trigger">(text: string) => text as Signed<K>;

/** Another header over the same statement, with whatever the plane can put for a signature. */
function rewritten(jws: string | null | undefined, header: object, signature: string): string {
  return `${jwsPart(header)}.${payloadOf(jws)}.${signature}`;
}

const HEADER = { alg: "ES256", typ: "dnb-trigger+jws" };
const ZEROES = "A".repeat(86);

const FORGERIES: readonly [string, (own: Offered) => Partial<Lease> | Promise<Partial<Lease>>][] = [
  ["hands out an unsigned deployment", () => ({ deploymentSignature: null })],
  ["makes a run by itself", () => ({ signature: null })],
  [
    "signs a trigger with a key of its own",
    async () => ({ signature: (await signed.genuine({ with: signed.theirs })).signature ?? null }),
  ],
  [
    "calls its own key by the name of ours",
    async (own) => ({
      signature: as(
        await signed.theirs.sign(Buffer.from(JSON.stringify(stateIn(own.signature))), {
          ...HEADER,
          alg: "ES256",
          kid: signed.key.keyId,
        }),
      ),
    }),
  ],
  [
    "brings its own key in the header",
    async (own) => ({
      signature: as(
        await signed.theirs.sign(Buffer.from(JSON.stringify(stateIn(own.signature))), {
          ...HEADER,
          alg: "ES256",
          kid: signed.key.keyId,
          jwk: { kty: "EC", crv: "P-256", x: "AA", y: "AA" },
        } as { alg: "ES256"; typ: string; kid: string }),
      ),
    }),
  ],
  [
    "needs no algorithm",
    (own) => ({
      signature: as(
        rewritten(own.signature, { ...HEADER, alg: "none", kid: signed.key.keyId }, ""),
      ),
    }),
  ],
  [
    "takes our public key for an HMAC secret",
    (own) => {
      const header = jwsPart({ ...HEADER, alg: "HS256", kid: signed.key.keyId });
      const secrets = [JSON.stringify(publicKeySetOf(signed.key).keys[0]), signed.key.privateJwk.x];
      const mac = createHmac("sha256", secrets[0] ?? "")
        .update(`${header}.${payloadOf(own.signature)}`)
        .digest("base64url");
      return { signature: as(`${header}.${payloadOf(own.signature)}.${mac}`) };
    },
  ],
  [
    "puts zeroes for a signature",
    (own) => ({
      signature: as(rewritten(own.signature, { ...HEADER, kid: signed.key.keyId }, ZEROES)),
    }),
  ],
  [
    "alters what is stated",
    (own) => {
      const [header, , signature] = (own.signature ?? "").split(".");
      const payload = jwsPart({ ...stateIn(own.signature), parameters: null });
      return { signature: as(`${header}.${payload}.${signature}`), parameters: null };
    },
  ],
  [
    "passes a deployment off as a trigger",
    (own) => ({ signature: as(own.deploymentSignature ?? "") }),
  ],
  [
    "passes a trigger off as a deployment",
    (own) => ({ deploymentSignature: as(own.signature ?? "") }),
  ],
  ["sends no statement at all", () => ({ signature: as("pays") })],
];

test.each(FORGERIES)("a plane that %s executes nothing", async (_, forge) => {
  const own = await signed.genuine();
  expect(await signed.endsOf({ ...own, ...(await forge(own)) })).toEqual([REFUSED]);
});

const SWAPS: readonly [string, (own: Offered) => Partial<Lease> | Promise<Partial<Lease>>][] = [
  ["the entrypoint", async () => ({ entrypoint: (await signed.genuine()).entrypoint })],
  ["the defaults", async () => ({ defaultParameters: (await signed.genuine()).defaultParameters })],
  ["the defaults for none", () => ({ defaultParameters: null })],
  ["the version", () => ({ contentHash: "b".repeat(64) })],
  ["the time limit", () => ({ timeoutSeconds: 1 })],
  ["exclusiveness", () => ({ exclusive: true })],
  ["the parameters", async () => ({ parameters: (await signed.genuine()).parameters })],
  ["the parameters for none", () => ({ parameters: null })],
  [
    "the parameters for some of its own",
    async () => {
      const { keyId, publicJwk } = signed.world.plane.workspaceKey;
      const place = { kind: "parameters", dep: "pays/default" } as const;
      const { workspaceId } = signed;
      const publicKey = { workspaceId, keyId, publicJwk };
      return { parameters: await sealToPublicKey(publicKey, place, { amount: 1_000_000 }) };
    },
  ],
  ["the run", () => ({ runId: randomUUID() })],
  ["the deployment, with what was signed of it", async () => genuineDeployment("refunds")],
  [
    "the statement about the deployment",
    async () => ({
      deploymentSignature:
        (await signed.genuine({ flowName: "refunds" })).deploymentSignature ?? null,
    }),
  ],
  [
    "the trigger for one of another deployment",
    async () => ({ signature: (await signed.genuine({ flowName: "refunds" })).signature ?? null }),
  ],
];

async function genuineDeployment(flowName: string): Promise<Partial<Lease>> {
  const { entrypoint, defaultParameters, deploymentSignature } = await signed.genuine({ flowName });
  return {
    flowName,
    entrypoint,
    defaultParameters,
    deploymentSignature: deploymentSignature ?? null,
  };
}

test.each(SWAPS)("a plane that swaps %s executes nothing", async (_, swap) => {
  const own = await signed.genuine();
  expect(await signed.endsOf({ ...own, ...(await swap(own)) })).toEqual([REFUSED]);
});

test("what was signed for another pool, workspace or time executes nothing", async () => {
  const leases = [
    await signed.genuine({ poolName: "staging" }),
    await signed.genuine({ workspaceId: randomUUID() }),
    await signed.genuine({ scheduledFor: new Date(Date.now() + DAY_MS).toISOString() }),
    await signed.genuine({ deployedAt: new Date(Date.now() + DAY_MS) }),
    await signed.genuine({ triggeredAt: new Date(Date.now() - 8 * DAY_MS) }),
  ];
  expect(await signed.endsOf(...leases)).toEqual(leases.map(() => REFUSED));
});

test("a signed run executes once; replayed under the same id or another it does not", async () => {
  const lease = await signed.genuine();
  const again = { ...lease, epoch: 2 }; // as if its end had been lost
  const another = { ...lease, runId: uuidv7() };
  expect(await signed.endsOf(lease, again, another)).toEqual([
    "RUNNING started, COMPLETED completed",
    REFUSED,
    REFUSED,
    "pays",
  ]);
});

test("a trigger with an idempotency key makes one run, whatever the plane calls the next", async () => {
  const lease = await signed.genuine({ idempotencyKey: randomUUID() });
  const ends = await signed.endsOf(lease, { ...lease, runId: uuidv7() });
  expect(ends).toEqual(["RUNNING started, COMPLETED completed", REFUSED, "pays"]);
  const both = await signed.genuine({ idempotencyKey: randomUUID() });
  const runs = [uuidv7(), uuidv7()].map((runId) => signed.run({ ...both, runId }));
  const types = (await Promise.all(runs)).map(({ type }) => type);
  expect(types.toSorted()).toEqual(["COMPLETED", "FAILED"]);
});

test("the next attempt of a signed run that failed is run", async () => {
  const lease = await signed.genuine({ flowName: "fails", parameters: null });
  const ends = await signed.endsOf(lease, { ...lease, epoch: 2 });
  expect(ends.slice(2)).toEqual(["fails", "fails"]);
});

test("the refusal names what differs, to those who hold the key", async () => {
  const own = await signed.genuine();
  const run = await signed.run({ ...own, contentHash: "b".repeat(64) });
  expect(await signed.wordsOf(run)).toContain(`states contentHash "${"a".repeat(64)}"`);
});
