import { expect, it } from "vitest";
import { AlarmClock } from "./alarm-clock.ts";

it("calls everybody who waits for an instant, in order, but those who cancelled", async () => {
  const clock = new AlarmClock();
  const called: string[] = [];
  const [soonMs, laterMs] = [performance.now() + 5, performance.now() + 60_000];
  const [cancelled, later] = ["cancelled", "later"].map((name) => () => void called.push(name));
  if (cancelled === undefined || later === undefined) throw new Error("made above");
  clock.set(soonMs, () => called.push("first"));
  clock.set(soonMs, cancelled);
  clock.set(laterMs, later);
  clock.cancel(soonMs, cancelled);
  await new Promise<void>((resolve) => clock.set(soonMs, resolve));
  expect(called).toEqual(["first"]);
  clock.cancel(laterMs, later);
});

it("starts again for an instant whose only call was cancelled", async () => {
  const clock = new AlarmClock();
  const atMs = performance.now() + 5;
  const never = (): never => expect.unreachable();
  clock.set(atMs, never);
  clock.cancel(atMs, never);
  clock.cancel(atMs, never);
  await new Promise<void>((resolve) => clock.set(atMs, resolve));
});
