import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lease, Sealed } from "@downbeat/contract";
import { createDataKey, sealJson, sealToPublicKey, type DataKey } from "@downbeat/seal";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Agent } from "./agent.ts";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { startAgent } from "./start-agent.ts";

// A plane that has gone over to the enemy: it has seen every sealed text so far, knows the public key, and says what it likes.

const FOLDER = mkdtempSync(join(tmpdir(), "downbeat-hostile-"));
const EXECUTIONS = join(FOLDER, "executions.log");
const record = (name: string) => `appendFileSync(${JSON.stringify(EXECUTIONS)}, "${name}\\n")`;
const FLOWS = `
import { appendFileSync } from "node:fs";
import { flow, pause } from "@downbeat/sdk";
import { z } from "zod";
const Amount = z.object({ amount: z.number() });
export const pays = flow({ name: "pays", parameters: Amount }, async () => { ${record("pays")}; });
export const refunds = flow({ name: "refunds", parameters: Amount }, async () => { ${record("refunds")}; });
export const asks = flow({ name: "asks" }, async () => { await pause({ key: "go", input: Amount }); ${record("asks")}; });
`;

let world: AgentWorld;
let agent: Agent;
let genuine: Genuine;

/** What an honest customer had sent before. */
type Genuine = {
  readonly entrypoint: Record<"pays" | "refunds" | "asks", Sealed<"entrypoint">>;
  readonly defaults: Sealed<"defaults">;
  readonly parameters: Sealed<"parameters">;
  readonly parametersOfRefunds: Sealed<"parameters">;
  readonly boundRunId: string;
  readonly boundParameters: Sealed<"parameters">;
  readonly inputOfAnotherRun: Sealed<"input">;
  readonly askedRunId: string;
  /** Of the run asked, but for another point; and for none. */
  readonly inputOfAnotherPoint: Sealed<"input">;
  readonly inputOfNoPoint: Sealed<"input">;
};

beforeAll(async () => {
  writeFileSync(EXECUTIONS, "");
  world = await anAgentWorld(FLOWS, { concurrency: 1, allow: ["flows.ts", "link.ts"] });
  writeFileSync(join(world.config.project, "tools.ts"), FLOWS);
  writeFileSync(join(FOLDER, "outside.ts"), FLOWS);
  symlinkSync(join(FOLDER, "outside.ts"), join(world.config.project, "link.ts"));
  genuine = await recordGenuine(world.dataKey);
  agent = await startAgent(world.config);
});
afterAll(async () => {
  await agent.kill();
  world.plane.close();
});

async function recordGenuine(dataKey: DataKey): Promise<Genuine> {
  const [boundRunId, askedRunId] = [randomUUID(), randomUUID()];
  const inputFor = (run: string, point?: string) =>
    sealJson(dataKey, { kind: "input", run, point }, { amount: 3 });
  const entrypointOf = (name: string, path = "flows.ts") =>
    sealJson(dataKey, { kind: "entrypoint", dep: `${name}/default` }, { path, export: name });
  const parameters = (dep: string, run?: string) =>
    sealJson(dataKey, { kind: "parameters", dep, run }, { amount: 1 });
  return {
    entrypoint: {
      pays: await entrypointOf("pays"),
      refunds: await entrypointOf("refunds"),
      asks: await entrypointOf("asks"),
    },
    defaults: await sealJson(dataKey, { kind: "defaults", dep: "pays/default" }, { amount: 2 }),
    parameters: await parameters("pays/default"),
    parametersOfRefunds: await parameters("refunds/default"),
    boundRunId,
    boundParameters: await parameters("pays/default", boundRunId),
    inputOfAnotherRun: await inputFor(boundRunId, "go"),
    askedRunId,
    inputOfAnotherPoint: await inputFor(askedRunId, "review"),
    inputOfNoPoint: await inputFor(askedRunId),
  };
}

const executions = (): string[] => readFileSync(EXECUTIONS, "utf8").split("\n").filter(Boolean);

async function ended(run: FakeRun): Promise<void> {
  const isOver = () => ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].includes(run.type);
  await vi.waitUntil(isOver, { timeout: 20_000 });
}

type Told = Partial<Pick<Lease, "flowName" | "entrypoint" | "defaultParameters" | "parameters">>;

function tell(told: Told): FakeRun {
  return world.plane.offer({
    flowName: "pays",
    entrypoint: genuine.entrypoint.pays,
    defaultParameters: null,
    parameters: genuine.parameters,
    ...told,
  });
}

/** A data key that the plane made by itself: anybody may wrap to a public key. */
async function forgedKey(wrapTag: string | null): Promise<DataKey> {
  const { keyId, publicJwk } = world.plane.workspaceKey;
  const workspaceId = world.dataKey.workspaceId;
  const made = await createDataKey({ recipients: [{ workspaceId, keyId, publicJwk }] });
  world.plane.dataKeys.set(made.id, { ...made.wrapped, wrapTag });
  return made;
}

const ENTRYPOINT = { kind: "entrypoint", dep: "pays/default" } as const;
const FLOW = { path: "flows.ts", export: "pays" };

function altered(blob: string, part: number, change: (text: string) => string): string {
  return blob
    .split(".")
    .map((text, at) => (at === part ? change(text) : text))
    .join(".");
}

const flip = (text: string) => (text.startsWith("A") ? "B" : "A") + text.slice(1);
const as = <T>(text: string): T => text as T;

const ATTACKS: readonly [name: string, told: () => Told | Promise<Told>][] = [
  ["swaps in another deployment's entrypoint", () => ({ entrypoint: genuine.entrypoint.refunds })],
  ["names another flow than the entrypoint's", () => ({ flowName: "refunds" })],
  ["swaps in another deployment's parameters", () => ({ parameters: genuine.parametersOfRefunds })],
  [
    "gives a run the parameters sealed for another",
    () => ({ parameters: genuine.boundParameters }),
  ],
  ["passes parameters off as an entrypoint", () => ({ entrypoint: as(genuine.parameters) })],
  ["passes parameters off as defaults", () => ({ defaultParameters: as(genuine.parameters) })],
  ["passes defaults off as parameters", () => ({ parameters: as(genuine.defaults) })],
  [
    "forges an entrypoint with a key of its own",
    async () => ({ entrypoint: await sealJson(await forgedKey(null), ENTRYPOINT, FLOW) }),
  ],
  [
    "forges one, with a tag it made up",
    async () => ({ entrypoint: await sealJson(await forgedKey("A".repeat(43)), ENTRYPOINT, FLOW) }),
  ],
  [
    "forges one, with the tag of a genuine key",
    async () => ({
      entrypoint: await sealJson(await forgedKey(world.dataKey.wrapped.wrapTag), ENTRYPOINT, FLOW),
    }),
  ],
  [
    "forges defaults with a key of its own",
    async () => ({
      defaultParameters: await sealJson(
        await forgedKey(null),
        { kind: "defaults", dep: "pays/default" },
        { amount: 9 },
      ),
    }),
  ],
  [
    "seals an entrypoint straight to the public key",
    async () => {
      const { keyId, publicJwk } = world.plane.workspaceKey;
      const publicKey = { workspaceId: world.dataKey.workspaceId, keyId, publicJwk };
      const context = { ...ENTRYPOINT, kind: "entrypoint" as "parameters" };
      return { entrypoint: as(await sealToPublicKey(publicKey, context, FLOW)) };
    },
  ],
  ["truncates an entrypoint", () => ({ entrypoint: as(genuine.entrypoint.pays.slice(0, -4)) })],
  ["changes its text", () => ({ entrypoint: as(altered(genuine.entrypoint.pays, 3, flip)) })],
  [
    "changes its header",
    () => {
      const readdress = (text: string) =>
        Buffer.from(Buffer.from(text, "base64url").toString().replace("refunds", "pays")).toString(
          "base64url",
        );
      return { entrypoint: as(altered(genuine.entrypoint.refunds, 0, readdress)) };
    },
  ],
  ["deletes the entrypoint", () => ({ entrypoint: as("") })],
  ["sends plaintext", () => ({ entrypoint: as(JSON.stringify(FLOW)) })],
];

test.each(ATTACKS)("a plane that %s executes nothing, and the run says so", async (_, told) => {
  const before = executions();
  const run = tell(await told());
  await ended(run);
  expect(executions()).toEqual(before);
  expect(run.transitions.map(({ type }) => type)).toEqual(["FAILED"]);
  expect(run.transitions[0]?.reason).toMatch(/_unreadable$|entrypoint_invalid/);
  expect(run.transitions[0]?.error?.class).toMatch(/^(KeyError|EntrypointError|ParameterError)$/);
});

// Genuine entrypoints of the same customer that do not belong to this agent.
test.each([
  ["an unlisted file", "tools.ts"],
  ["a path out of the project", "../outside.ts"],
  ["an absolute path", join(FOLDER, "outside.ts")],
  ["a link out of the project", "link.ts"],
  ["a file of another project", "reports/monthly.ts"],
  ["no module at all", "package.json"],
])("told to run %s, the agent executes nothing", async (_, path) => {
  const before = executions();
  const entrypoint = await sealJson(world.dataKey, ENTRYPOINT, { path, export: "pays" });
  const run = tell({ entrypoint });
  await ended(run);
  expect(executions()).toEqual(before);
  expect(run.transitions.map(({ reason }) => reason)).toEqual(["entrypoint_invalid"]);
});

test("a lease that is handed out again is not run again, and an older one neither", async () => {
  const run = tell({});
  await ended(run);
  expect(executions().filter((name) => name === "pays")).toHaveLength(1);
  const told = world.plane.bodies("report").length;
  world.plane.offerAgain(run);
  world.plane.offerAgain(run, { epoch: 0 });
  // An honest run after them shows that the agent has been through the queue.
  await ended(
    tell({
      flowName: "refunds",
      entrypoint: genuine.entrypoint.refunds,
      parameters: genuine.parametersOfRefunds,
    }),
  );
  expect(executions().filter((name) => name === "pays")).toHaveLength(1);
  expect(executions().at(-1)).toBe("refunds");
  expect(world.plane.bodies("report").length).toBeGreaterThan(told);
  await vi.waitUntil(() => agent.activeRuns === 0);
});

let attempts = 0;

function ask(input: Sealed<"input">): FakeRun {
  return world.plane.offer({
    runId: genuine.askedRunId,
    epoch: (attempts += 1),
    flowName: "asks",
    entrypoint: genuine.entrypoint.asks,
    defaultParameters: null,
    parameters: null,
    inputs: [{ key: "go", input, signature: null, givenAt: new Date().toISOString() }],
  });
}

test.each([
  ["another run", "inputOfAnotherRun"],
  ["another pause point of this run", "inputOfAnotherPoint"],
  ["none in particular", "inputOfNoPoint"],
] as const)("an input that was given to %s does not let this one go on", async (_, given) => {
  const before = executions();
  const run = ask(genuine[given]);
  await ended(run);
  expect(executions()).toEqual(before);
  expect(run.type).toBe("FAILED");
});

test("one that was given to this pause point does", async () => {
  const place = { kind: "input", run: genuine.askedRunId, point: "go" } as const;
  const run = ask(await sealJson(world.dataKey, place, { amount: 3 }));
  await ended(run);
  expect(executions().at(-1)).toBe("asks");
});
