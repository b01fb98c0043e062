import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { identifyGroup, killSurvivors, signalGroup } from "./process-group.ts";

const pids: number[] = [];

afterEach(() => {
  for (const pid of pids.splice(0)) signalGroup(pid, "SIGKILL");
});

function aChild() {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  const pid = child.pid ?? 0;
  pids.push(pid);
  return { child, pid };
}

test("a survivor is killed", async () => {
  const { child, pid } = aChild();
  const group = await identifyGroup(pid);
  const exited = once(child, "exit");
  expect(await killSurvivors(group)).toBe(true);
  expect(await exited).toEqual([null, "SIGKILL"]);
  expect(await killSurvivors(group)).toBe(false);
});

test("a process that only has the same pid is left alone", async () => {
  const { child, pid } = aChild();
  const { birth } = await identifyGroup(pid);
  expect(await killSurvivors({ pid, birth: `${birth}0` })).toBe(false);
  expect(await killSurvivors({ pid, birth: "another-boot:1" })).toBe(false);
  expect(child.exitCode).toBeNull();
});

test("signalling a group that is gone is no error", () => {
  expect(signalGroup(2 ** 22 - 1, "SIGTERM")).toBe(false);
});
