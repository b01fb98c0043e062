import { afterAll, afterEach, expect, test, vi } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { captureConsole, flow, task } from "./index.ts";
import type { FlowOptions } from "./index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

// A file that ran before in this process may have left another console watched.
captureConsole()();

const { console } = globalThis;
// Files share this process, and a flow that captures leaves console watched.
const putConsoleBack = () => captureConsole()();
putConsoleBack();
const printed = vi.spyOn(console, "warn").mockImplementation(() => {});
afterEach(() => printed.mockClear());
afterAll(() => {
  putConsoleBack();
  printed.mockRestore();
});

const speak = task({ name: "speak" }, async () => console.warn("from %s", "within"));

/** What a run has in its log, and what it printed. */
async function runOf(options: Pick<FlowOptions, "captureConsole">, ofHost?: boolean) {
  const host = new RecordingHost("speaking");
  if (ofHost !== undefined) Object.assign(host, { capturesConsole: ofHost });
  await flow({ name: "speaking", ...options }, () => speak())[FLOW].execute({}, host);
  const logged = host.events.flatMap((event) => (event.kind === "log" ? [event] : []));
  const lines = logged.map(({ level, logger, text }) => [level, logger, text]);
  return { lines, prints: printed.mock.calls.splice(0).length };
}

const CAPTURED = { lines: [["warn", "speak", "from within"]], prints: 0 };
const PRINTED = { lines: [], prints: 1 };

test("nobody captures unless asked", async () => {
  expect(await runOf({})).toEqual(PRINTED);
});

test.each([
  { ofFlow: true, ofHost: undefined, result: CAPTURED },
  { ofFlow: undefined, ofHost: true, result: CAPTURED },
  { ofFlow: true, ofHost: false, result: CAPTURED },
  { ofFlow: false, ofHost: true, result: PRINTED },
])("flow $ofFlow, host $ofHost", async ({ ofFlow, ofHost, result }) => {
  const options = ofFlow === undefined ? {} : { captureConsole: ofFlow };
  expect(await runOf(options, ofHost)).toEqual(result);
  expect(await runOf({})).toEqual(PRINTED);
});

test("a flow may stay out of what its process captures; ending that puts console back", async () => {
  const stop = captureConsole();
  expect(await runOf({})).toEqual(CAPTURED);
  expect(await runOf({ captureConsole: false })).toEqual(PRINTED);
  stop();
  expect(Reflect.get(console, "warn")).toBe(printed);
  expect(await runOf({})).toEqual(PRINTED);
  expect(await runOf({ captureConsole: true })).toEqual(CAPTURED);
});
