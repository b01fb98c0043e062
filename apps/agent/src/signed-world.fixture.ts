import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeploymentSpec, RunInput, Signed } from "@downbeat/contract";
import { sealJson } from "@downbeat/seal";
import {
  createSigningKey,
  publicKeySetOf,
  signDeployment,
  signerOf,
  signInput,
  signTrigger,
  type Signer,
  type SigningKey,
} from "@downbeat/seal/node";
import { uuidv7 } from "uuidv7";
import type { Agent } from "./agent.ts";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { startAgent } from "./start-agent.ts";

/** A part of a compact JWS that says this. */
export const jwsPart = (value: object): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

/** A lease as the plane hands it out, with a run id of somebody's choosing. */
export type Offered = Parameters<AgentWorld["plane"]["offer"]>[0] & { readonly runId: string };

/** In what a lease differs from the usual one. */
export type Making = {
  readonly flowName?: string;
  readonly poolName?: string;
  readonly with?: Signer;
  readonly workspaceId?: string;
  readonly deployedAt?: Date;
  readonly triggeredAt?: Date;
  readonly scheduledFor?: string;
  readonly idempotencyKey?: string;
  readonly parameters?: unknown;
};

// All of one second, so that no lease makes what another one has signed too old.
const DEPLOYED_AT = new Date();

/** A pause point of a run; by default `go`. */
export type InputPlace = { readonly runId: string; readonly key?: string };

/** Waits for a condition, with a deadline. */
type WaitUntil = (condition: () => boolean) => Promise<unknown>;

/** An agent that runs only what one key has signed, and a plane that it does not trust. */
export class SignedWorld {
  readonly #executions: string;
  readonly #agent: Agent;
  readonly #waitUntil: WaitUntil;
  readonly world: AgentWorld;
  /** The customer's key. */
  readonly key: SigningKey;
  readonly signer: Signer;
  /** Of a key of the plane's own, which nobody lists. */
  readonly theirs: Signer;

  private constructor(parts: {
    executions: string;
    agent: Agent;
    world: AgentWorld;
    key: SigningKey;
    signer: Signer;
    theirs: Signer;
    waitUntil: WaitUntil;
  }) {
    this.#executions = parts.executions;
    this.#agent = parts.agent;
    this.world = parts.world;
    this.key = parts.key;
    this.signer = parts.signer;
    this.theirs = parts.theirs;
    this.#waitUntil = parts.waitUntil;
  }

  static async start(waitUntil: WaitUntil): Promise<SignedWorld> {
    const folder = mkdtempSync(join(tmpdir(), "downbeat-signed-"));
    const executions = join(folder, "executions.log");
    writeFileSync(executions, "");
    const key = await createSigningKey({ now: new Date() });
    const signersFile = join(folder, "signers.json");
    writeFileSync(signersFile, JSON.stringify(publicKeySetOf(key)));
    const over = { concurrency: 1, requireSigned: "block", signersFile } as const;
    const world = await anAgentWorld(flowsThatRecord(executions), over);
    const agent = await startAgent(world.config);
    return new SignedWorld({
      executions,
      agent,
      world,
      key,
      signer: await signerOf(key),
      theirs: await signerOf(await createSigningKey({ now: new Date() })),
      waitUntil,
    });
  }

  async stop(): Promise<void> {
    await this.#agent.kill();
    this.world.plane.close();
  }

  get workspaceId(): string {
    return this.world.dataKey.workspaceId;
  }

  /** The flows that have been executed, in order. */
  executions(): string[] {
    return readFileSync(this.#executions, "utf8").split("\n").filter(Boolean);
  }

  /** What an honest customer has made, and an honest plane would hand out. */
  async genuine(making: Making = {}): Promise<Offered> {
    const { flowName = "pays", idempotencyKey, scheduledFor, parameters = { amount: 1 } } = making;
    const signing = {
      signer: making.with ?? this.signer,
      workspaceId: making.workspaceId ?? this.workspaceId,
    };
    const spec = await this.#deployment(flowName, making.poolName);
    const place = { kind: "parameters", dep: `${flowName}/default` } as const;
    const sealed =
      parameters === null ? null : await sealJson(this.world.dataKey, place, parameters);
    const runId = uuidv7();
    const trigger = {
      flowName,
      deploymentName: "default",
      tags: [],
      parameters: sealed,
      ...(scheduledFor !== undefined && { scheduledFor }),
      ...(idempotencyKey === undefined ? { runId } : { idempotencyKey }),
    };
    const [deployedAt, triggeredAt] = [making.deployedAt ?? DEPLOYED_AT, making.triggeredAt];
    return {
      runId,
      flowName,
      contentHash: spec.contentHash,
      entrypoint: spec.entrypoint,
      defaultParameters: spec.defaultParameters,
      parameters: sealed,
      deploymentSignature: await signDeployment({ ...signing, now: deployedAt }, spec),
      signature: await signTrigger({ ...signing, now: triggeredAt ?? new Date() }, trigger),
    };
  }

  async #deployment(flowName: string, poolName = "default"): Promise<DeploymentSpec> {
    const { dataKey } = this.world;
    const dep = `${flowName}/default`;
    const entrypoint = { path: "flows.ts", export: flowName };
    return {
      flowName,
      name: "default",
      poolName,
      queueName: "default",
      tags: [],
      contentHash: "a".repeat(64),
      gitSha: null,
      parameterSchema: null,
      retry: null,
      timeoutSeconds: null,
      exclusive: false,
      hostTransit: false,
      entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, entrypoint),
      defaultParameters: await sealJson(dataKey, { kind: "defaults", dep }, { amount: 2 }),
    };
  }

  /** What somebody seals for a pause point, unsigned. */
  async input(place: InputPlace, amount = 3): Promise<RunInput> {
    const { runId, key = "go" } = place;
    const context = { kind: "input", run: runId, point: key } as const;
    const input = await sealJson(this.world.dataKey, context, { amount });
    return { key, input, signature: null, givenAt: new Date().toISOString() };
  }

  /** What the customer gives to a pause point. */
  async signedInput(place: InputPlace, making: Making = {}): Promise<RunInput> {
    const given = await this.input(place);
    return { ...given, signature: await this.signatureOf(place, given, making) };
  }

  signatureOf(
    { runId }: InputPlace,
    given: Pick<RunInput, "key" | "input">,
    { with: signer = this.signer, workspaceId = this.workspaceId }: Making = {},
  ): Promise<Signed<"input">> {
    return signInput({ signer, workspaceId, now: new Date() }, { runId, ...given });
  }

  /** Hands out a lease and waits for its end, or until the run is suspended. */
  async run(lease: Offered): Promise<FakeRun> {
    const run = this.world.plane.offer(lease);
    const isOver = () =>
      ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].includes(run.type) ||
      run.name === "Suspended";
    await this.waitUntil(isOver);
    return run;
  }

  waitUntil(condition: () => boolean): Promise<unknown> {
    return this.#waitUntil(condition);
  }

  /** The lines of a run's log, for those who hold the key. */
  async linesOf({ lease: { runId, epoch }, logs }: FakeRun): Promise<string[]> {
    const chunks = logs.map(({ chunk, sequence }) =>
      this.world.opener.open(chunk, { kind: "log", run: runId, epoch, seq: sequence }),
    );
    return ((await Promise.all(chunks)) as { text: string }[][]).flat().map(({ text }) => text);
  }

  /** Hands out leases, one after another, and says in short how each ended and what was executed by all of them. */
  async endsOf(...leases: readonly Offered[]): Promise<string[]> {
    const before = this.executions().length;
    const ends: string[] = [];
    for (const lease of leases) {
      const { transitions } = await this.run(lease);
      const shown = transitions.map(({ type, reason, error }) =>
        [type, reason, error?.class].filter(Boolean).join(" "),
      );
      ends.push(shown.join(", "));
    }
    return [...ends, ...this.executions().slice(before)];
  }

  /** The words of a run's error, for those who hold the key. */
  async wordsOf({ lease: { runId, epoch }, transitions }: FakeRun): Promise<string> {
    const detail = transitions.at(-1)?.error?.detail ?? "";
    const opened = await this.world.opener.open(detail, { kind: "error", run: runId, epoch });
    return (opened as { message: string }).message;
  }
}

function flowsThatRecord(executions: string): string {
  const record = (name: string) => `appendFileSync(${JSON.stringify(executions)}, "${name}\\n")`;
  return `
import { appendFileSync } from "node:fs";
import { flow, pause, suspend } from "@downbeat/sdk";
import { z } from "zod";
const Amount = z.object({ amount: z.number() });
export const pays = flow({ name: "pays", parameters: Amount }, async () => { ${record("pays")}; });
export const refunds = flow({ name: "refunds", parameters: Amount }, async () => { ${record("refunds")}; });
export const fails = flow({ name: "fails" }, async () => { ${record("fails")}; throw new Error("no"); });
export const waits = flow({ name: "waits" }, async () => { await pause({ key: "go", input: Amount }); ${record("waits")}; });
export const sleeps = flow({ name: "sleeps" }, async () => {
  await suspend({ key: "go", input: Amount });
  ${record("sleeps")};
  await suspend({ key: "more" });
});
export const lapses = flow({ name: "lapses" }, async () => {
  await suspend({ key: "go", input: Amount, timeoutSeconds: 3600, onTimeout: "resume" });
  ${record("lapses")};
});
`;
}
