import { beforeEach, expect, expectTypeOf, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow, task, transaction } from "./index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const done: string[] = [];
beforeEach(() => void done.splice(0));

const write = task(
  {
    name: "write",
    onCommit: ({ args: [name], result }) => {
      expectTypeOf(name).toEqualTypeOf<string>();
      expectTypeOf(result).toEqualTypeOf<{ path: string }>();
      done.push(`commit ${result.path}`);
    },
    onRollback: ({ result }) => void done.push(`undo ${result.path}`),
  },
  async (name: string) => {
    done.push(`write ${name}`);
    return { path: `/${name}` };
  },
);

test("commit hooks run in order once everything completed, and the result is the body's", async () => {
  const result = await transaction(async () => {
    await write("a");
    await write("b");
    return "both";
  });
  expectTypeOf(result).toEqualTypeOf<string>();
  expect(result).toBe("both");
  expect(done).toEqual(["write a", "write b", "commit /a", "commit /b"]);
});

test("a failure rolls back what completed, last one first, and is thrown on as it is", async () => {
  const error = new Error("no");
  const failing = transaction(async (tx) => {
    await write("a");
    tx.onRollback(() => done.push("undo by hand"));
    await write("b");
    throw error;
  });
  expect(await failing.catch((it: unknown) => it)).toBe(error);
  expect(done).toEqual(["write a", "write b", "undo /b", "undo by hand", "undo /a"]);
});

test("what is still running when the body fails is undone too", async () => {
  const slow = task({ name: "slow", onRollback: () => done.push("undo slow") }, async () => {
    for (let turns = 0; turns < 5; turns += 1) await new Promise((go) => setImmediate(go));
    done.push("slow");
  });
  const body = () => Promise.all([slow(), Promise.reject(new Error("at once"))]);
  await expect(transaction(body)).rejects.toThrow("at once");
  expect(done).toEqual(["slow", "undo slow"]);
});

test("an inner transaction commits with the outer one", async () => {
  await transaction(async () => {
    await transaction(() => write("inner"));
    await write("outer");
    expect(done).not.toContain("commit /inner");
  });
  expect(done).toEqual(["write inner", "write outer", "commit /inner", "commit /outer"]);
});

test("an inner transaction that completed is rolled back with the outer one", async () => {
  const failing = transaction(async () => {
    await transaction(() => write("inner"));
    throw new Error("outer fails");
  });
  await expect(failing).rejects.toThrow("outer fails");
  expect(done).toEqual(["write inner", "undo /inner"]);
});

test("an inner transaction that fails is rolled back alone when the outer one goes on", async () => {
  await transaction(async () => {
    await write("outer");
    await transaction(async () => {
      await write("inner");
      throw new Error("inner fails");
    }).catch(() => done.push("caught"));
  });
  expect(done).toEqual(["write outer", "write inner", "undo /inner", "caught", "commit /outer"]);
});

test("a commit hook that throws rolls everything back, once", async () => {
  const failing = transaction(async (tx) => {
    await write("a");
    tx.onCommit(() => {
      throw new Error("cannot commit");
    });
  });
  await expect(failing).rejects.toThrow("cannot commit");
  expect(done).toEqual(["write a", "commit /a", "undo /a"]);
});

test("a rollback hook that throws is logged, and the others still run", async () => {
  const host = new RecordingHost("undone");
  const undone = flow({ name: "undone" }, () =>
    transaction(async (tx) => {
      await write("a");
      tx.onRollback(() => Promise.reject(new Error("stuck")));
      throw new Error("no");
    }),
  );
  expect(await undone[FLOW].execute({}, host)).toMatchObject({ error: { message: "no" } });
  expect(done).toEqual(["write a", "undo /a"]);
  expect(host.logs).toMatchObject([{ level: "warn", text: expect.stringContaining("failed") }]);
});

test("a cancelled run rolls back, and tasks that undo still run", async () => {
  const host = new RecordingHost("cancelled");
  const remove = task({ name: "remove" }, async () => void done.push("removed"));
  const put = task({ name: "put", onRollback: () => remove() }, async () => undefined);
  const cancelled = flow({ name: "cancelled" }, () =>
    transaction(async () => {
      await put();
      host.controller.abort();
      await put();
    }),
  );
  expect(await cancelled[FLOW].execute({}, host)).toEqual({ outcome: "cancelled" });
  expect(done).toEqual(["removed"]);
});

test("hooks see what the transaction keeps; outside one they are not called", async () => {
  let seen: unknown;
  await transaction((tx) => {
    tx.set("batch", 7);
    tx.onCommit(() => (seen = tx.get("batch")));
  });
  expect(seen).toBe(7);
  await write("alone");
  expect(done).toEqual(["write alone"]);
});
