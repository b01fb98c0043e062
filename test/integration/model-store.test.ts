import { STATE_TYPES } from "@downbeat/contract";
import { type Database, enrolAgent, listRunStates, lockRuns, updatePool } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import type { FinalRun } from "@downbeat/testkit/history";
import { describe, expect, it } from "vitest";
import { MemoryStore } from "../simulation/memory-store.ts";
import type { Mutations } from "../simulation/mutation.ts";
import { Random } from "../simulation/random.ts";
import { aWorkspace, anAgent, type Fixture } from "./db-fixture.ts";
import { type Command, CommandSource } from "./model-commands.ts";
import { databaseStore } from "./model-database.ts";
import { ModelDriver } from "./model-driver.ts";

// More of them by hand: MODEL_LISTS=500 npx vitest run --config test/vitest.config.ts --project integration model-store
const LISTS = Number(process.env["MODEL_LISTS"] ?? 6);
const COMMANDS = 60;
const START_MS = Date.parse("2026-03-01T00:00:00.000Z");

describeEachDatabase("the store of the simulation", ({ database }) => {
  it(`answers ${LISTS} lists of ${COMMANDS} random commands as the database does`, async () => {
    for (let seed = 1; seed <= LISTS; seed += 1) {
      const { commands, asked, expected } = await runBoth(database(), seed);
      const told = `seed ${seed}, after:\n${commands.map((it) => JSON.stringify(it)).join("\n")}`;
      expect(asked, `${told}`).toEqual(expected);
    }
  });
});

describe("the random commands", () => {
  it("reach every state and every verdict of the sweep", async () => {
    const told: unknown[] = [];
    for (let seed = 1; seed <= 600; seed += 1) {
      const [one, other] = [aModel(seed, null), aModel(seed, null)];
      const random = new Random(seed);
      const { answers } = await compare({ real: one.model, model: other.model, random });
      told.push(answers, memoryRuns(one.memory, one.model));
    }
    const text = JSON.stringify(told);
    const reasons = ["unreachable", "reconnected", "agent_lost", "cancel_deadline", "late"];
    const statuses = ["accepted", "rejected", "fenced", "standing", "mismatch", "session_ended"];
    const pauses = ["resumed", "resumed_by_timeout", "pause_timed_out", "Suspended", "Resuming"];
    const words = [
      ...STATE_TYPES,
      ...reasons,
      ...pauses,
      ...statuses,
      "agent_restarted",
      "released",
    ];
    const sought = [...words.map((word) => `"${word}"`), '"isRepeated":true'];
    expect(sought.filter((word) => !text.includes(word))).toEqual([]);
  });

  it.each([
    "ignore_fence",
    "claims_forgotten",
    "lapse_ends_session",
    "resume_ignores_point",
    "suspended_keeps_lease",
    "pauses_unswept",
  ] as const)("tell a store with %s from one without", async (mutation) => {
    let seed = 0;
    let difference: unknown;
    while (difference === undefined && seed < 200) {
      seed += 1;
      const [real, model] = [aModel(seed, null), aModel(seed, null, new Set([mutation]))];
      const random = new Random(seed);
      ({ difference } = await compare({ real: real.model, model: model.model, random }));
    }
    expect(difference).toBeDefined();
  });
});

/** What both answered, up to the first difference, and what both hold in the end. */
async function runBoth(database: Database, seed: number) {
  const random = new Random(seed);
  const poolLimit = random.chance(0.4) ? random.between(1, 3) : null;
  const fixture = await aWorkspace(database);
  await fixture.inside((tx) => updatePool(tx, { name: "default", concurrencyLimit: poolLimit }));
  const second = anAgent(fixture.workspaceId, fixture.poolId, "agent-2");
  const { agentId } = await fixture.inside((tx) => enrolAgent(tx, second));
  const real = new ModelDriver(databaseStore(database, fixture), {
    poolId: fixture.poolId,
    agentIds: [fixture.agentId, agentId],
    startMs: START_MS,
  });
  const { memory, model } = aModel(seed, poolLimit);
  const { commands, difference } = await compare({ real, model, random });
  if (difference !== undefined) return { commands, ...difference };
  const asked = await databaseRuns(fixture, real);
  return { commands, asked, expected: memoryRuns(memory, model) };
}

function aModel(seed: number, poolLimit: number | null, mutations: Mutations = new Set()) {
  const random = new Random(seed + 1);
  const memory = new MemoryStore({ poolId: "pool", poolLimit, random, mutations });
  const place = { poolId: "pool", agentIds: ["agent-1", "agent-2"], startMs: START_MS };
  return { memory, model: new ModelDriver(memory, place) };
}

type Compared = {
  readonly real: ModelDriver;
  readonly model: ModelDriver;
  readonly random: Random;
};

/** Draws commands and gives each to both, until they differ. */
async function compare({ real, model, random }: Compared) {
  const source = new CommandSource(random);
  const commands: Command[] = [];
  const answers: unknown[] = [];
  while (commands.length < COMMANDS) {
    const command = source.next(model.made);
    commands.push(command);
    const [asked, expected] = [await real.run(command), await model.run(command)];
    answers.push(expected);
    if (JSON.stringify(asked) !== JSON.stringify(expected))
      return { commands, answers, difference: { asked, expected } };
  }
  return { commands, answers, difference: undefined };
}

async function databaseRuns({ inside }: Fixture, driver: ModelDriver) {
  const found = await inside((tx) => lockRuns(tx, driver.runIds));
  const live = await inside((tx) => tx.prisma.liveRun.findMany());
  const cancelled = new Map(live.map((row) => [row.runId, row.cancelRequestedAt?.getTime()]));
  const runs = [];
  for (const runId of driver.runIds) {
    const run = found.get(runId);
    const history = await inside((tx) => listRunStates(tx, runId));
    runs.push({
      session: driver.sessionNumber(run?.sessionId ?? null),
      state: run?.state,
      cancelRequestedAtMs: cancelled.get(runId) ?? null,
      history: history.map(({ sequence, type, name, at, epoch, actor, reason }) => ({
        sequence,
        type,
        name,
        atMs: Date.parse(at),
        epoch,
        reason,
        actorKind: actor.kind,
        agent: driver.agentNumber(actor.id),
      })),
    });
  }
  return runs;
}

function memoryRuns(memory: MemoryStore, driver: ModelDriver) {
  return memory.finalState(0).runs.map((run: FinalRun) => {
    const last = run.history.at(-1);
    const isLive = run.history.every(({ type }) => !ENDS.has(type));
    const asked = run.history.find(({ type }) => type === "CANCELLING");
    return {
      session: driver.sessionNumber(run.sessionId),
      state: last && { type: last.type, name: last.name, at: new Date(last.atMs).toISOString() },
      cancelRequestedAtMs: isLive ? (asked?.atMs ?? null) : null,
      history: run.history.map(
        ({ sequence, type, name, atMs, epoch, actorKind, actorId, reason }) => ({
          sequence,
          type,
          name,
          atMs,
          epoch,
          reason,
          actorKind,
          agent: driver.agentNumber(actorId),
        }),
      ),
    };
  });
}

const ENDS = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);
