import { DeploymentSpec, RunSpec, signed } from "@downbeat/contract";
import { CompactSign, importJWK } from "jose";
import { beforeAll, expect, test } from "vitest";
import { aWorkspace, WORKSPACE_ID } from "../workspace.fixture.ts";
import { sealJson } from "../seal.ts";
import {
  createSigningKey,
  parseTrustedSigners,
  publicKeySetOf,
  signerOf,
  type SigningKey,
  type TrustedSigners,
} from "./signing-key.ts";
import {
  digestOf,
  signDeployment,
  signInput,
  signTrigger,
  verifyStatement,
  type Signing,
} from "./statements.ts";

const now = new Date("2026-01-02T03:04:05Z");
const SECONDS = now.getTime() / 1000;
let key: SigningKey;
let signing: Signing;
let signers: TrustedSigners;
let spec: DeploymentSpec;
let run: RunSpec;

beforeAll(async () => {
  key = await createSigningKey({ now });
  signing = { signer: await signerOf(key), workspaceId: WORKSPACE_ID, now };
  signers = await parseTrustedSigners(publicKeySetOf(key));
  const { dataKey } = await aWorkspace();
  const dep = "weather/nightly";
  spec = DeploymentSpec.parse({
    flowName: "weather",
    name: "nightly",
    contentHash: "a".repeat(64),
    entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, {}),
  });
  run = RunSpec.parse({
    flowName: "weather",
    deploymentName: "nightly",
    runId: "0198f2a0-0000-7000-8000-00000000000a",
    parameters: await sealJson(dataKey, { kind: "parameters", dep }, { year: 2014 }),
  });
});

test("a signed deployment states what is run, and the API takes it", async () => {
  const statement = await signDeployment(signing, spec);
  expect(signed("deployment").parse(statement)).toBe(statement);
  expect(await verifyStatement("deployment", statement, signers)).toEqual({
    ws: WORKSPACE_ID,
    dep: "weather/nightly",
    pool: "default",
    contentHash: "a".repeat(64),
    entrypoint: digestOf(spec.entrypoint),
    defaults: null,
    timeoutSeconds: null,
    exclusive: false,
    iat: SECONDS,
  });
});

test("a signed trigger names its run or its key, and counts for seven days after its time", async () => {
  const statement = await signTrigger(signing, run);
  expect(signed("trigger").parse(statement)).toBe(statement);
  expect(await verifyStatement("trigger", statement, signers)).toEqual({
    ws: WORKSPACE_ID,
    dep: "weather/nightly",
    run: run.runId,
    parameters: digestOf(run.parameters ?? ""),
    at: null,
    iat: SECONDS,
    exp: SECONDS + 7 * 86_400,
  });
  const { runId: _, ...keyed } = run;
  const idempotencyKey = "K".repeat(43);
  const scheduledFor = "2026-02-02T03:04:05Z";
  const later = await signTrigger(signing, { ...keyed, idempotencyKey, scheduledFor });
  const at = new Date(scheduledFor).getTime() / 1000;
  expect(await verifyStatement("trigger", later, signers)).toMatchObject({
    key: idempotencyKey,
    at,
    exp: at + 7 * 86_400,
  });
  expect(() => signTrigger(signing, keyed)).toThrow("names no run");
});

test("a signed input is for one pause point of one run, whichever attempt it is", async () => {
  const { runId = "" } = run;
  const given = { runId, key: "approval", input: null };
  const statement = await signInput(signing, given);
  expect(signed("input").parse(statement)).toBe(statement);
  const stated = { ws: WORKSPACE_ID, run: runId, point: "approval", input: null, iat: SECONDS };
  expect(await verifyStatement("input", statement, signers)).toEqual(stated);
  const { dataKey } = await aWorkspace();
  const place = { kind: "input", run: runId, point: "approval" } as const;
  const input = await sealJson(dataKey, place, { approved: true });
  const withInput = await signInput(signing, { ...given, input });
  expect(await verifyStatement("input", withInput, signers)).toEqual({
    ...stated,
    input: digestOf(input),
  });
});

test("a signature by another key, of another kind, or over anything else does not count", async () => {
  const statement = await signTrigger(signing, run);
  const other = await signerOf(await createSigningKey({ now }));
  const [header = "", payload = "", signature = ""] = statement.split(".");
  const flipped = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
  const signingKey = await importJWK({ ...key.privateJwk }, "ES256");
  const sign = (text: string, protectedHeader: object) =>
    new CompactSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: "ES256", ...protectedHeader })
      .sign(signingKey);
  const typ = "dnb-trigger+jws";
  const forgeries = [
    await signTrigger({ ...signing, signer: other }, run),
    `${header}.${payload}.${flipped}`,
    `${header}.${payload}.`,
    "",
    await signDeployment(signing, spec),
    await sign("{}", { typ, kid: key.keyId }),
    await sign("no JSON", { typ, kid: key.keyId }),
    await sign(Buffer.from(payload, "base64url").toString(), { kid: key.keyId }),
  ];
  for (const forgery of forgeries) {
    await expect(verifyStatement("trigger", forgery, signers)).rejects.toMatchObject({
      code: "signature_refused",
    });
  }
});
