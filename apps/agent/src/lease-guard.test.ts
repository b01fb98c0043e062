import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { isAlive } from "./is-alive.fixture.ts";
import { LeaseGuard } from "./lease-guard.ts";
import { SOURCE_WORKER } from "./worker-options.fixture.ts";

const guards: LeaseGuard[] = [];
const groups: number[] = [];

afterEach(() => {
  for (const guard of guards.splice(0)) guard.close();
  for (const pid of groups.splice(0)) killGroup(pid);
});

function aGuard(): LeaseGuard {
  const guard = new LeaseGuard({ execArgv: SOURCE_WORKER.execArgv });
  guards.push(guard);
  return guard;
}

/** A process group whose leader has started another process; `ended` resolves with the signal that ended the leader. */
async function aGroup() {
  const leader = spawn("sh", ["-c", "sleep 300 & echo $!; wait"], { detached: true });
  const [line] = (await once(leader.stdout, "data")) as [Buffer];
  const pid = leader.pid ?? 0;
  groups.push(pid);
  const ended = once(leader, "exit").then(([, signal]): unknown => signal);
  return { pid, grandchild: Number(line.toString()), ended };
}

test("a guarded group is killed, all of it, before the lease ends", async () => {
  const guard = aGuard();
  const group = await aGroup();
  const sentAtMs = performance.now();
  guard.renewed(sentAtMs, 4);
  const guarded = await guard.guard(group.pid);
  expect(await group.ended).toBe("SIGKILL");
  expect(performance.now() - sentAtMs).toBeLessThan(4_000);
  // The kill is seen here by itself; that it was the guard's comes by another way.
  await expect.poll(() => guarded.isKilled()).toBe(true);
  await expect.poll(() => isAlive(group.grandchild)).toBe(false);
}, 30_000);

test("a group whose lease has ended already is killed at once", async () => {
  const guard = aGuard();
  const group = await aGroup();
  guard.renewed(performance.now() - 10_000, 5);
  await guard.guard(group.pid);
  expect(await group.ended).toBe("SIGKILL");
}, 30_000);

test("a released group lives on, and a guarded one dies with its agent", async () => {
  const guard = aGuard();
  const [released, held] = [await aGroup(), await aGroup()];
  guard.renewed(performance.now(), 300);
  (await guard.guard(released.pid)).release();
  await guard.guard(held.pid);
  guard.close();
  expect(await held.ended).toBe("SIGKILL");
  expect(isAlive(released.pid)).toBe(true);
}, 30_000);

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone, as it should be.
  }
}
