import { describe, expect, it } from "vitest";
import { GroupCommit, type CommitBatch } from "./group-commit.ts";

function aGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

describe("GroupCommit", () => {
  it("writes together what arrived in one turn, and then what arrived meanwhile", async () => {
    const writing = aGate();
    const gate = aGate();
    const batches: (readonly number[])[] = [];
    const group = new GroupCommit<number, number>({
      commit: async (_key, items) => {
        batches.push(items);
        writing.open();
        await gate.opened;
        return items.map((item) => item * 10);
      },
    });
    const early = [1, 2].map((item) => group.submit("w", item));
    await writing.opened;
    const late = [3, 4, 5].map((item) => group.submit("w", item));
    gate.open();
    expect(await Promise.all([...early, ...late])).toEqual([10, 20, 30, 40, 50]);
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it("refuses what memory must not hold, until what waits has been written", async () => {
    const writing = aGate();
    const gate = aGate();
    const group = new GroupCommit<number, number>({
      maxWaiting: 5,
      weigh: (item) => item,
      commit: async (_key, items) => {
        writing.open();
        await gate.opened;
        return items;
      },
    });
    const first = group.submit("w", 9); // alone, however heavy
    await writing.opened;
    const waiting = [group.submit("w", 2), group.submit("w", 3)];
    await expect(group.submit("w", 1)).rejects.toMatchObject({ code: "unavailable", status: 503 });
    const elsewhere = group.submit("other", 5);
    gate.open();
    expect(await Promise.all([first, ...waiting, elsewhere])).toEqual([9, 2, 3, 5]);
    expect(await group.submit("w", 5)).toBe(5);
  });

  it("never mixes keys, and does not let one key wait for another", async () => {
    const gate = aGate();
    const seen: string[] = [];
    const group = new GroupCommit<number, number>({
      commit: async (key, items) => {
        seen.push(`${key}:${items.join()}`);
        if (key === "slow") await gate.opened;
        return [...items];
      },
    });
    const slow = group.submit("slow", 1);
    expect(await group.submit("quick", 2)).toBe(2);
    gate.open();
    await slow;
    expect(seen).toEqual(["slow:1", "quick:2"]);
  });

  it("fails only the poisoned item and writes the others once", async () => {
    const written: number[] = [];
    const commit: CommitBatch<number, number> = async (_key, items) => {
      if (items.includes(13)) throw new Error(`poisoned by 13 among ${items.length}`);
      written.push(...items);
      return items;
    };
    const group = new GroupCommit({ commit });
    const settled = await Promise.allSettled(
      [1, 2, 13, 4, 5, 6].map((item) => group.submit("w", item)),
    );
    expect(settled.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
    ]);
    expect(settled[2]).toMatchObject({ reason: { message: "poisoned by 13 among 1" } });
    expect(written).toEqual([1, 2, 4, 5, 6]);
  });

  it("does not try parts of a batch when the failure concerns all of it", async () => {
    let tries = 0;
    const group = new GroupCommit<number, number>({
      commit: async () => {
        tries += 1;
        throw new Error("no connection");
      },
      isFatal: () => true,
    });
    const settled = await Promise.allSettled([1, 2, 3, 4].map((item) => group.submit("w", item)));
    expect(settled.every(({ status }) => status === "rejected")).toBe(true);
    expect(tries).toBe(1);
  });

  it("bounds a batch by weight, and lets a single heavier item through alone", async () => {
    const batches: string[] = [];
    const group = new GroupCommit<string, string>({
      maxWeight: 4,
      weigh: (item) => item.length,
      commit: async (_key, items) => {
        batches.push(items.join("+"));
        return items;
      },
    });
    const answers = ["a", "bb", "cc", "d", "eeeeeeee", "f"].map((item) => group.submit("w", item));
    await Promise.all(answers);
    expect(batches).toEqual(["a+bb", "cc+d", "eeeeeeee", "f"]);
  });

  it("rejects everybody rather than write twice when results are missing", async () => {
    let tries = 0;
    const group = new GroupCommit<number, number>({
      commit: async (_key, items) => {
        tries += 1;
        return items.slice(1);
      },
    });
    const settled = await Promise.allSettled([1, 2, 3].map((item) => group.submit("w", item)));
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(tries).toBe(1);
  });

  it("lingers for others, until somebody is in a hurry", async () => {
    const batches: (readonly number[])[] = [];
    const group = new GroupCommit<number, number>({
      lingerMs: 60_000,
      commit: async (_key, items) => {
        batches.push(items);
        return items;
      },
    });
    const first = group.submit("w", 1);
    await new Promise(setImmediate);
    const second = group.submit("w", 2);
    group.hurry("w");
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(batches).toEqual([[1, 2]]);
    group.hurry("w"); // nothing waits
    const third = group.submit("w", 3);
    group.hurry("w");
    expect(await third).toBe(3);
  });

  it("writes the first at once, and those who follow soon together, unless somebody is in a hurry", async () => {
    const batches: (readonly number[])[] = [];
    const group = new GroupCommit<number, number>({
      restMs: 60_000,
      commit: async (_key, items) => {
        batches.push(items);
        return items;
      },
    });
    await group.submit("w", 1);
    const behind = [group.submit("w", 2), group.submit("w", 3)];
    await new Promise(setImmediate);
    await group.submit("v", 4); // another key does not wait
    expect(batches).toEqual([[1], [4]]);
    group.hurry("w");
    await Promise.all(behind);
    expect(batches).toEqual([[1], [4], [2, 3]]);
    group.hurry("w"); // ends the rest
    await new Promise(setImmediate);
    await group.submit("w", 5);
    expect(batches.at(-1)).toEqual([5]);
  });

  it("a hurry during a write is for those who wait for the next", async () => {
    const gate = aGate();
    const group = new GroupCommit<number, number>({
      lingerMs: 60_000,
      commit: async (_key, items) => {
        if (items.includes(1)) await gate.opened;
        return items;
      },
    });
    const first = group.submit("w", 1);
    group.hurry("w");
    await new Promise(setImmediate);
    const second = group.submit("w", 2);
    group.hurry("w");
    gate.open();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });
});
