import { expect, it } from "vitest";
import { Happening } from "./happening.ts";

it("tells the last listener, once, and a late one at once", () => {
  const happening = new Happening();
  const told: string[] = [];
  happening.tell(() => told.push("first"));
  happening.tell(() => told.push("second"));
  expect(happening.hasHappened).toBe(false);
  happening.happen();
  happening.happen();
  expect(happening.hasHappened).toBe(true);
  happening.tell(() => told.push("late"));
  expect(told).toEqual(["second", "late"]);
});

it("tells nobody who was forgotten", () => {
  const happening = new Happening();
  let isTold = false;
  happening.tell(() => (isTold = true));
  happening.forget();
  happening.happen();
  expect(isTold).toBe(false);
});
