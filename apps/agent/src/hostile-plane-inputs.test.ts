import { randomUUID } from "node:crypto";
import type { RunInput, Signed } from "@downbeat/contract";
import { sealToPublicKey } from "@downbeat/seal";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { jwsPart, SignedWorld, type Offered } from "./signed-world.fixture.ts";

// A plane that would let a waiting run go on by itself: it has seen everything that people gave so far, may seal what it
// likes to the public key, and decides which run is told of what. Nothing of it lets a run go on; what it keeps from a
// run leaves that waiting.

let signed: SignedWorld;

beforeAll(async () => {
  signed = await SignedWorld.start((isOver) => vi.waitUntil(isOver, { timeout: 20_000 }));
});
afterAll(() => signed.stop());

const aRunThat = (flowName: string): Promise<Offered> =>
  signed.genuine({ flowName, parameters: null });

/** Another statement in place of the one that was signed, with the signature that is there. */
function altered(statement: string | null, change: object): Signed<"input"> {
  const [header, payload = "", signature] = (statement ?? "").split(".");
  const stated = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  return `${header}.${jwsPart({ ...stated, ...change })}.${signature}` as Signed<"input">;
}

type Attack = (run: Offered) => Promise<Partial<RunInput>>;

const ATTACKS: readonly [string, Attack][] = [
  ["sealed and not signed", (run) => signed.input(run)],
  ["nothing, by nobody", async () => ({ input: null, signature: null })],
  ["signed by a key of the plane's own", (run) => signed.signedInput(run, { with: signed.theirs })],
  ["signed for another workspace", (run) => signed.signedInput(run, { workspaceId: randomUUID() })],
  ["given to another run", async () => signed.signedInput({ runId: randomUUID() })],
  [
    "given to another pause point",
    async ({ runId }) => ({ ...(await signed.signedInput({ runId, key: "more" })), key: "go" }),
  ],
  [
    "the plane's own, under a genuine signature",
    async (run) => {
      const { keyId, publicJwk } = signed.world.plane.workspaceKey;
      const publicKey = { workspaceId: signed.workspaceId, keyId, publicJwk };
      const place = { kind: "input", run: run.runId, point: "go" } as const;
      const input = await sealToPublicKey(publicKey, place, { amount: 1_000_000 });
      return { input, signature: (await signed.signedInput(run)).signature };
    },
  ],
  [
    "taken away from under its signature",
    async (run) => ({ input: null, signature: (await signed.signedInput(run)).signature }),
  ],
  [
    "added to a signature over nothing",
    async (run) => {
      const nothing = { key: "go", input: null };
      return { ...(await signed.input(run)), signature: await signed.signatureOf(run, nothing) };
    },
  ],
  [
    "stated by somebody else than who signed",
    async (run) => {
      const { input, signature } = await signed.signedInput({ runId: randomUUID() });
      return { input, signature: altered(signature, { run: run.runId }) };
    },
  ],
  [
    "signed as a trigger",
    async (run) => ({ ...(await signed.input(run)), signature: run.signature as never }),
  ],
];

test.each(ATTACKS)(
  "a suspended run does not go on with what is %s, and says so",
  async (_, attack) => {
    const run = await aRunThat("sleeps");
    const before = signed.executions().length;
    const honest = { key: "go", input: null, signature: null, givenAt: new Date().toISOString() };
    const given = { ...honest, ...(await attack(run)) };
    const waiting = await signed.run({ ...run, inputs: [given] });
    expect(signed.executions()).toHaveLength(before);
    expect(waiting.transitions.map(({ name, reason }) => [name, reason])).toEqual([
      ["Running", "started"],
      ["Suspended", "input_refused"],
    ]);
    expect(await signed.linesOf(waiting)).toEqual([
      expect.stringMatching(/^What was given to the pause point "go" does not count\. .*signed\.$/),
    ]);
  },
);

test("it goes on with what was signed for it, in each of its attempts, and then with nothing else", async () => {
  const run = await aRunThat("sleeps");
  const given = await signed.signedInput(run);
  const at = (epoch: number, ...inputs: RunInput[]) => signed.endsOf({ ...run, epoch, inputs });
  const [start, wait] = ["RUNNING started", "PAUSED suspend_requested"];
  expect(await at(1, given)).toEqual([`${start}, ${wait}`, "sleeps"]);
  expect(await at(2, given)).toEqual([`${start}, ${wait}`, "sleeps"]);
  // Somebody else's answer to the same question, which the plane had kept to itself.
  const other = await signed.signedInput(run);
  expect(await at(3, other)).toEqual([`${start}, PAUSED input_refused`]);
  const signature = await signed.signatureOf(run, { key: "more", input: null });
  const more = { ...given, key: "more", input: null, signature };
  expect(await at(4, given, more)).toEqual([`${start}, COMPLETED completed`, "sleeps"]);
});

test("where the flow goes on without input in time, nobody's answer counts", async () => {
  const run = await aRunThat("lapses");
  const nothing = { key: "go", input: null, signature: null, givenAt: new Date().toISOString() };
  expect(await signed.endsOf({ ...run, inputs: [nothing] })).toEqual([
    "RUNNING started, COMPLETED completed",
    "lapses",
  ]);
});

test("a process that waits goes on waiting, until it is given what is signed", async () => {
  const lease = await aRunThat("waits");
  const run = signed.world.plane.offer(lease);
  await signed.waitUntil(() => run.type === "PAUSED");
  const before = signed.executions().length;
  // Told again and again: the agent may be between two claims.
  const giveUntil = (given: RunInput, isHeard: () => boolean) =>
    signed.waitUntil(() => {
      signed.world.plane.give(run, given);
      return isHeard();
    });
  const isRefused = () => run.transitions.at(-1)?.reason === "input_refused";
  await giveUntil(await signed.input(lease), isRefused);
  expect(run.transitions.at(-1)).toMatchObject({ type: "PAUSED", pause: { key: "go" } });
  expect(signed.executions()).toHaveLength(before);
  await giveUntil(await signed.signedInput(lease), () => run.type === "COMPLETED");
  expect(signed.executions().slice(before)).toEqual(["waits"]);
  expect(run.transitions.filter(({ type }) => type === "PAUSED")).toHaveLength(2);
});
