import { expect, test } from "vitest";
import type { PausePoint } from "../pause-point.ts";
import { PauseDesk } from "./pause-desk.ts";

const point = (key: string): PausePoint => ({
  key,
  inputSchema: null,
  timeoutSeconds: null,
  onTimeout: "fail",
});

function aDesk(inputs: Record<string, unknown> = {}) {
  const told: string[] = [];
  const desk = new PauseDesk({
    inputs,
    paused: ({ key }) => told.push(`paused ${key}`),
    keepAlive: {
      hold: () => {
        told.push("waiting");
        return () => told.push("working");
      },
    },
    suspended: ({ key }) => told.push(`suspended ${key}`),
  });
  return { desk, told };
}

test("a pause lasts until its own input comes, and the input is kept for the run", async () => {
  const { desk, told } = aDesk();
  const given = desk.pause(point("a"), new AbortController().signal);
  desk.resume("b", "for another");
  desk.resume("a", 1);
  expect(await given).toBe(1);
  expect(desk.inputs).toEqual({ a: 1 });
  expect(told).toEqual(["waiting", "paused a", "working"]);
});

test("points reached at once are announced one after another", async () => {
  const { desk, told } = aDesk();
  const { signal } = new AbortController();
  const both = Promise.all([desk.pause(point("a"), signal), desk.pause(point("b"), signal)]);
  desk.resume("b", "too early");
  desk.resume("a", 1);
  desk.resume("b", 2);
  expect(await both).toEqual([1, 2]);
  expect(told).toEqual(["waiting", "paused a", "working", "waiting", "paused b", "working"]);
});

test("a pause of a run that is cancelled rejects with the reason", async () => {
  const { desk, told } = aDesk();
  const controller = new AbortController();
  const given = desk.pause(point("a"), controller.signal);
  controller.abort(new Error("cancelled"));
  await expect(given).rejects.toThrow("cancelled");
  await expect(desk.pause(point("b"), controller.signal)).rejects.toThrow("cancelled");
  expect(told.at(-1)).toBe("working");
});
