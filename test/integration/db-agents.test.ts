import { randomUUID } from "node:crypto";
import {
  createApiKey,
  enrolAgent,
  forgetAgents,
  forgetSessions,
  heartbeat,
  listAgents,
  openSession,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { anAgent, aSession, aWorkspace, claim, someRuns } from "./db-fixture.ts";

const HOUR_SECONDS = 3_600;

describeEachDatabase("agents", ({ database }) => {
  const later = (seconds: number) => new Date(Date.now() + seconds * 1000);

  it("that are one process are forgotten after three days of silence, and no others", async () => {
    const fixture = await aWorkspace(database());
    const enrol = async (ephemeral: boolean): Promise<string> => {
      const one = anAgent(fixture.workspaceId, fixture.poolId, randomUUID());
      return (await fixture.inside((tx) => enrolAgent(tx, { ...one, ephemeral }))).agentId;
    };
    const [passing, never, lasting] = [await enrol(true), await enrol(true), await enrol(false)];
    const sessionId = await aSession({ ...fixture, agentId: passing });
    await aSession({ ...fixture, agentId: lasting });
    const beat = { sessionId, principalId: passing, tick: 1 };
    const times = { leaseSeconds: 45, now: later(HOUR_SECONDS) };
    await fixture.inside((tx) => heartbeat(tx, [beat], times));
    const forget = async (now: Date) =>
      (await database().asEngine((tx) => forgetAgents(tx, { silentHours: 72, now }))).filter((id) =>
        [passing, never, lasting].includes(id),
      );
    expect(await forget(later(60))).toEqual([]);
    expect(await forget(later(72 * HOUR_SECONDS + 60))).toEqual([never]);
    expect(await forget(later(73 * HOUR_SECONDS + 60))).toEqual([passing]);
    const page = await fixture.inside((tx) => listAgents(tx, { limit: 10 }));
    expect(page.items.map(({ id }) => id).toSorted()).toEqual(
      [fixture.agentId, lasting].toSorted(),
    );
  });

  it("lose sessions that were over a month ago, but for their newest and those that hold a run", async () => {
    const fixture = await aWorkspace(database());
    const [holding, lapsed, newest] = [
      await aSession(fixture),
      await aSession(fixture),
      await aSession(fixture),
    ];
    await someRuns(fixture, 1);
    await claim(fixture, { sessionId: holding });
    const script = await fixture.inside(async (tx) => {
      const apiKey = await createApiKey(tx, {
        name: "script",
        role: "runner",
        secretHash: new Uint8Array(32),
      });
      const owner = { apiKeyId: apiKey.id };
      return openSession(tx, { owner, poolId: null, capacity: 1, leaseSeconds: 45 });
    });
    const forget = (days: number): Promise<number> =>
      database().asEngine((tx) =>
        forgetSessions(tx, { overDays: 30, limit: 100, now: later(days * 24 * HOUR_SECONDS) }),
      );
    const standing = async (): Promise<string[]> => {
      const where = { workspaceId: fixture.workspaceId };
      const rows = await fixture.inside((tx) => tx.prisma.agentSession.findMany({ where }));
      return rows.map(({ id }) => id).toSorted();
    };
    await forget(29);
    expect(await standing()).toEqual([holding, lapsed, newest, script.sessionId].toSorted());
    await forget(31);
    expect(await standing()).toEqual([holding, newest].toSorted());
    const sessionId = await aSession(fixture);
    const { epoch } = await fixture.inside((tx) =>
      tx.prisma.agentSession.findUniqueOrThrow({ where: { id: sessionId } }),
    );
    expect(epoch).toBe(4);
  });
});
