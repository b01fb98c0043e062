import { expect, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow, task } from "./index.ts";
import { nameRenderer } from "./render-name.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const owner = 'task "x"';

test.each([
  ["fetch {day}", async (day: string) => day, ["2014-07-01"], "fetch 2014-07-01"],
  ["{a}-{b}", (a: number, b = 2) => a + b, [1, 3], "1-3"],
  ["{n}", (n: number) => n, [0], "0"],
  [
    "{region.code}",
    function (region: object) {
      return region;
    },
    [{ code: "eu" }],
    "eu",
  ],
  ["{code} of {0.code}", ({ code }: { code: string }) => code, [{ code: "eu" }], "eu of eu"],
  ["{1}", (...parts: string[]) => parts, ["a", "b"], "b"],
  ["{day} {missing} {toString}", (day: string) => day, ["Mon"], "Mon {missing} {toString}"],
  ["plain", () => 1, [], "plain"],
  [(day: string) => day.toUpperCase(), (day: string) => day, ["mon"], "MON"],
])("%s", (template, fn, args, expected) => {
  const render = nameRenderer(template as string, { owner, fn: fn as () => unknown });
  expect(render?.(args)).toBe(expected);
});

test("a run carries its name as soon as its arguments are known; a broken one is logged", async () => {
  const host = new RecordingHost("named");
  const load = task({ name: "load", renderName: "load {day}" }, async (day: string) => day);
  const broken = task(
    {
      name: "broken",
      renderName: () => {
        throw new Error("no name");
      },
    },
    async (day: string) => day,
  );
  const named = flow({ name: "named" }, () => broken.submit(load.submit(load.submit("Mon"))));
  expect(await named[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  const names = host.taskRuns("load").map(({ state, renderedName }) => [state.name, renderedName]);
  expect(names).toContainEqual(["Completed", "load Mon"]);
  expect(names).toContainEqual(["Pending", undefined]);
  expect(host.taskRuns("broken").at(-1)).not.toHaveProperty("renderedName");
  expect(host.logs[0]).toMatchObject({ text: 'renderName of task "broken" failed' });
});
