import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeploymentSpec, Lease, Sealed } from "@downbeat/contract";
import {
  createSigningKey,
  parseTrustedSigners,
  publicKeySetOf,
  signDeployment,
  signerOf,
  signTrigger,
  type Signing,
} from "@downbeat/seal/node";
import { pino } from "pino";
import { uuidv7 } from "uuidv7";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SignedWork, type SignedWorkOptions } from "./signed-work.ts";
import { Store } from "./store.ts";

const WORKSPACE_ID = "0198f2a0-0000-7000-8000-000000000001";
const START = new Date("2026-03-01T07:00:00Z");
const SEALED = "eyJ.sealed" as Sealed<"entrypoint">;

let directory: string;
let store: Store;
let now: Date;
let signing: Signing;
let signers: SignedWorkOptions["signers"];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "downbeat-signed-"));
  store = await openStore();
  now = START;
  const key = await createSigningKey({ now });
  signing = { signer: await signerOf(key), workspaceId: WORKSPACE_ID, now };
  signers = await parseTrustedSigners(publicKeySetOf(key));
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

function openStore(): Promise<Store> {
  return Store.open(directory, (error) => {
    throw error;
  });
}

function work(over: Partial<SignedWorkOptions> = {}): SignedWork {
  return new SignedWork({
    signers,
    workspaceId: WORKSPACE_ID,
    poolName: "default",
    store,
    now: () => now,
    logger: pino({ level: "silent" }),
    onRefusal: "block",
    ...over,
  });
}

/** Another process of the same agent, later. */
async function restarted(): Promise<SignedWork> {
  await store.close();
  store = await openStore();
  return work();
}

async function lease(deployedAt: Date, over: Partial<Lease> = {}): Promise<Lease> {
  const runId = uuidv7();
  const spec = {
    flowName: "pays",
    name: "default",
    poolName: "default",
    contentHash: "a".repeat(64),
    entrypoint: SEALED,
    defaultParameters: null,
    timeoutSeconds: null,
    exclusive: false,
  } as DeploymentSpec;
  const trigger = { ...spec, deploymentName: "default", tags: [], parameters: null, runId };
  return {
    runId,
    epoch: 1,
    leaseToken: "0".repeat(32),
    deploymentName: "default",
    parameters: null,
    inputs: [],
    resultsFrom: 0,
    limitedTags: [],
    ...spec,
    deploymentSignature: await signDeployment({ ...signing, now: deployedAt }, spec),
    signature: await signTrigger({ ...signing, now }, trigger),
    ...over,
  };
}

const refused = { code: "signature_refused" };
const later = (ms: number): Date => new Date(now.getTime() + ms);

test("a lease taken once is not taken again after a restart, the next attempt is", async () => {
  const taken = await lease(START);
  await work().check(taken);
  const after = await restarted();
  await expect(after.check(taken)).rejects.toMatchObject(refused);
  await after.check({ ...taken, epoch: 2 });
});

test("parameters that the plane says it sealed itself are refused, whoever signed for them", async () => {
  const header = { alg: "ECDH-ES+A256KW", kind: "parameters", via: "host" };
  const text = Buffer.from(JSON.stringify(header)).toString("base64url");
  const parameters = `${text}.k.n.c.t` as Sealed<"parameters">;
  const sealedByHost = await lease(START, { parameters });
  const { flowName, deploymentName, runId } = sealedByHost;
  const trigger = { flowName, deploymentName, parameters, runId, tags: [] };
  const signature = await signTrigger({ ...signing, now }, trigger);
  await expect(work().check({ ...sealedByHost, signature })).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining("host-transit"),
  });
});

test("a run that has completed is refused after a restart too", async () => {
  const taken = await lease(START);
  const before = work();
  await before.check(taken);
  await store.write(before.ended(taken, { completed: true }));
  const after = await restarted();
  await expect(after.check({ ...taken, epoch: 2 })).rejects.toThrow("completed here before");
});

test("an older statement about a deployment is refused a minute after a newer one was seen", async () => {
  const older = await lease(START);
  const newer = await lease(later(5_000));
  const first = work();
  await first.check(newer);
  now = later(30_000);
  await first.check(older); // claimed before the deployment was made anew
  now = later(60_000);
  const next = { ...(await lease(START)), epoch: 1 };
  await expect(first.check(next)).rejects.toThrow("was signed again since");
  await expect((await restarted()).check(next)).rejects.toMatchObject(refused);
});

test("of two statements that come at once the newer one is remembered, in either order", async () => {
  for (const turn of [0, 1]) {
    const both = [await lease(later(1_000 * turn)), await lease(later(9_000 + 1_000 * turn))];
    const ordered = turn === 0 ? both : both.toReversed();
    const checking = work();
    await Promise.all(ordered.map((one) => checking.check(one)));
    now = later(120_000);
    await expect(checking.check(await lease(START))).rejects.toMatchObject(refused);
  }
});

test("a trigger that was used and has expired is refused as expired, and forgotten", async () => {
  const taken = await lease(START);
  await work().check(taken);
  now = later(9 * 24 * 3_600_000);
  await expect((await restarted()).check({ ...taken, epoch: 2 })).rejects.toThrow("good until");
  await work().check(await lease(START));
  const left = await store.entries({ gte: "trigger!", lt: 'trigger"' });
  expect(left.map(([key]) => key)).not.toContain(`trigger!${taken.runId}`);
  expect(left).toHaveLength(1);
});

test("where refusals only warn, the work goes on and the log says what is wrong", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  await work({ onRefusal: "warn", logger }).check(await lease(START, { signature: null }));
  expect(lines.join()).toContain("The trigger of this run is not signed.");
});
