import { randomUUID } from "node:crypto";
import type { Tx, WorkspaceTx } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aWorkspace } from "./db-fixture.ts";

describeEachDatabase("a transaction whose last statement is announced", ({ database }) => {
  it("is committed", async () => {
    const fixture = await aWorkspace(database());
    const id = await fixture.inside(async (tx) => {
      const first = await addFlow(tx, fixture.workspaceId, "first");
      tx.ends();
      await addFlow(tx, fixture.workspaceId, "last");
      return first;
    });
    expect(id).toBe(1);
    expect(await countFlows(fixture.inside)).toBe(3); // with the one of the fixture
  });

  it("is rolled back as a whole when that statement fails, and leaves a connection that works", async () => {
    const fixture = await aWorkspace(database());
    const twice = fixture.inside(async (tx) => {
      await addFlow(tx, fixture.workspaceId, "once");
      tx.ends();
      await addFlow(tx, fixture.workspaceId, "once");
    });
    await expect(twice).rejects.toThrow("flow_workspace_id_name_key");
    for (let i = 0; i < 12; i++) expect(await countFlows(fixture.inside)).toBe(1);
  });

  it("takes none after it", async () => {
    const fixture = await aWorkspace(database());
    const late = fixture.inside(async (tx) => {
      tx.ends();
      await addFlow(tx, fixture.workspaceId, "last");
      await addFlow(tx, fixture.workspaceId, "too late");
    });
    await expect(late).rejects.toThrow("follows the one that was to be the last");
  });
});

describeEachDatabase("a transaction behind another", ({ database }) => {
  const countBehind = (tx: WorkspaceTx) =>
    countFlows((work) => tx.behind({ workspaceId: tx.workspaceId }, work));

  it("sees what that one has committed", async () => {
    const fixture = await aWorkspace(database());
    const counted = await fixture.inside(async (tx) => {
      tx.ends();
      const added = addFlow(tx, fixture.workspaceId, "last");
      const behind = countBehind(tx);
      await added;
      return { behind };
    });
    expect(await counted.behind).toBe(2); // with the one of the fixture
  });

  it("goes on when that one fails, and leaves a connection that works", async () => {
    const fixture = await aWorkspace(database());
    let behind: Promise<number> | undefined;
    const failing = fixture.inside((tx) => {
      tx.ends();
      const twice = addFlow(tx, fixture.workspaceId, "etl");
      behind = countBehind(tx);
      return twice;
    });
    await expect(failing).rejects.toThrow("flow_workspace_id_name_key");
    expect(await behind).toBe(1);
    for (let i = 0; i < 12; i++) expect(await countFlows(fixture.inside)).toBe(1);
  });

  it("is the only one there", async () => {
    const fixture = await aWorkspace(database());
    const counted = await fixture.inside(async (tx) => {
      tx.ends();
      const added = addFlow(tx, fixture.workspaceId, "last");
      const behind = countBehind(tx);
      await expect(countBehind(tx)).rejects.toThrow("stands behind this one already");
      await added;
      return { behind };
    });
    expect(await counted.behind).toBe(2);
  });

  it("keeps out of whatever has that connection by the time it begins", async () => {
    const fixture = await aWorkspace(database());
    let countLate: (() => Promise<number>) | undefined;
    await fixture.inside((tx) => {
      tx.ends();
      countLate = () => countBehind(tx);
      return addFlow(tx, fixture.workspaceId, "before");
    });
    let counting: Promise<number> | undefined;
    const undone = fixture.inside(async (tx) => {
      await addFlow(tx, fixture.workspaceId, "undone");
      counting = countLate?.();
      // The embedded database has one transaction at a time.
      if (database().kind === "postgres") await counting;
      throw new Error("roll back");
    });
    await expect(undone).rejects.toThrow("roll back");
    expect(await counting).toBe(2);
    expect(await countFlows(fixture.inside)).toBe(2);
  });

  it("fails without harm to the one before it", async () => {
    const fixture = await aWorkspace(database());
    let behind: Promise<number> | undefined;
    await fixture.inside((tx) => {
      tx.ends();
      const added = addFlow(tx, fixture.workspaceId, "one");
      behind = tx.behind(fixture, (next) => addFlow(next, fixture.workspaceId, "etl"));
      behind.catch(() => undefined); // looked at below
      return added;
    });
    await expect(behind).rejects.toThrow("flow_workspace_id_name_key");
    for (let i = 0; i < 12; i++) expect(await countFlows(fixture.inside)).toBe(2);
  });
});

describeEachDatabase("a transaction that may reach the disk later", ({ database }) => {
  it("is one only while it lasts", async () => {
    const { workspaceId } = await aWorkspace(database());
    const setting = (flush?: "later") =>
      database().inWorkspace({ workspaceId, ...(flush && { flush }) }, async (tx) => {
        const [row] = await tx.prisma.$queryRaw<{ value: string }[]>`
          select current_setting('synchronous_commit') as value`;
        return row?.value;
      });
    const usual = await setting();
    expect(await setting("later")).toBe("off");
    for (let i = 0; i < 12; i++) expect(await setting()).toBe(usual);
    expect(usual).not.toBe("off");
  });
});

describeEachDatabase("transactions that use Prisma's models at once", ({ database }) => {
  it("stay in their own workspaces, also when one of them fails", async () => {
    const fixtures = [];
    for (let i = 0; i < 4; i++) fixtures.push(await aWorkspace(database()));
    // The embedded database has one transaction at a time.
    const allAreOpen = gate(database().kind === "postgres" ? fixtures.length : 1);
    const seen = fixtures.map(({ inside }, at) =>
      inside(async (tx) => {
        await allAreOpen();
        const flows = await tx.prisma.flow.findMany({ select: { workspaceId: true } });
        if (at === 1) throw new Error("after its first model");
        return { flows, own: await ownWorkspace(tx) };
      }).catch((error: Error) => error.message),
    );
    expect(await Promise.all(seen)).toEqual(
      fixtures.map(({ workspaceId }, at) =>
        at === 1 ? "after its first model" : { flows: [{ workspaceId }], own: workspaceId },
      ),
    );
  });
});

/** Opens for everybody once so many have come. */
function gate(count: number): () => Promise<void> {
  let come = 0;
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return () => {
    come += 1;
    if (come >= count) open();
    return opened;
  };
}

async function ownWorkspace(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.prisma.$queryRaw<{ own: string }[]>`
    select current_setting('app.workspace') as own`;
  return row?.own;
}

function addFlow(tx: Tx, workspaceId: string, name: string): Promise<number> {
  return tx.prisma.$executeRaw`
    insert into flow (id, workspace_id, name) values (${randomUUID()}::uuid, ${workspaceId}::uuid, ${name})`;
}

type Inside = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

async function countFlows(inside: Inside): Promise<number> {
  const [row] = await inside(
    (tx) => tx.prisma.$queryRaw<{ n: number }[]>`select count(*)::int as n from flow`,
  );
  return row?.n ?? 0;
}
