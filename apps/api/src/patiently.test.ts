import { expect, it } from "vitest";
import { patiently } from "./patiently.ts";

const random = () => 0;
const signal = new AbortController().signal;

function failing(times: number): () => Promise<number> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= times) throw new Error(`failure ${calls}`);
    return calls;
  };
}

it("calls again until it succeeds", async () => {
  const patience = { forMs: 1_000, mayPass: () => true, signal, random, nowMs: () => 0 };
  expect(await patiently(failing(3), patience)).toBe(4);
});

it("gives up for what will not pass, and when its time is over, with the last failure", async () => {
  const mayPass = () => false;
  await expect(patiently(failing(9), { forMs: 1_000, mayPass, signal })).rejects.toThrow(
    "failure 1",
  );
  let nowMs = 0;
  const late = { forMs: 100, mayPass: () => true, signal, random, nowMs: () => (nowMs += 40) };
  await expect(patiently(failing(9), late)).rejects.toThrow("failure 3");
});

it("ends a pause when it is told to", async () => {
  const ending = new AbortController();
  let calls = 0;
  const longPause = () => (calls === 5 ? 0.99 : 0);
  const patience = { forMs: 60_000, mayPass: () => true, signal: ending.signal, random: longPause };
  const call = async () => {
    calls += 1;
    if (calls === 5) setImmediate(() => ending.abort());
    throw new Error(`failure ${calls}`);
  };
  await expect(patiently(call, patience)).rejects.toThrow("failure 5");
});
