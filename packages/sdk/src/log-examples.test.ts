import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { captureConsole, flow, log, pinoDestination, secret, task } from "./index.ts";
import { testFlow } from "./testing/index.ts";

// The code block of docs/sdk.md about logs stands here. `docs.test.ts` holds the two together.

// A file that ran before in this process may have left another console watched.
captureConsole()();

// #region logs
captureConsole();
const logger = pino({ level: "debug" }, pinoDestination());
const token = secret("eyJhbGciOi.J9.example");
secret(/sk-[A-Za-z0-9]{20,}/);
// #endregion

const restoreConsole = captureConsole();
const { console } = globalThis;
afterEach(() => vi.restoreAllMocks());

test("console and pino write to the run they are called in, each line to its own", async () => {
  const speak = task({ name: "speak" }, async (who: string) => {
    console.warn("%s has %d", who, 2);
    await Promise.resolve();
    logger.debug({ who, err: new RangeError("odd") }, "from pino");
  });
  const speaking = flow({ name: "speaking" }, async (who: string) => {
    console.log("hello", { who });
    await speak(who);
  });
  const runs = await Promise.all(["ann", "bob"].map((who) => testFlow(() => speaking(who))));
  for (const [index, who] of ["ann", "bob"].entries()) {
    expect(runs[index]?.logs).toMatchObject([
      { level: "info", logger: "speaking", text: `hello { who: '${who}' }` },
      { level: "warn", logger: "speak", text: `${who} has 2` },
      {
        level: "debug",
        logger: "speak",
        text: "from pino",
        fields: { who, err: { type: "RangeError", message: "odd" } },
      },
    ]);
  }
});

test("outside a run console and pino print as ever; a line that is no JSON is text", async () => {
  restoreConsole();
  const printed = vi.spyOn(console, "info").mockImplementation(() => {});
  captureConsole();
  console.info("plain", 1);
  expect(printed).toHaveBeenCalledWith("plain", 1);
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  logger.info("plain");
  expect(written).toHaveBeenCalledWith(expect.stringContaining('"msg":"plain"'));
  const run = await testFlow(() => flow({ name: "raw" }, () => pinoDestination().write("raw\n"))());
  expect(run.logs).toMatchObject([{ level: "info", text: "raw" }]);
});

test("no secret is in anything a run records, and what was thrown is the caller's as it was", async () => {
  const url = `https://x.test/?t=${encodeURIComponent("p@ss/word")}`;
  secret("p@ss/word");
  const key = `sk-${"a1".repeat(12)}`;
  const thrown = new Error(`refused ${token}`, { cause: new TypeError(`key ${key}`) });
  const leak = task({ name: "leak", renderName: "leak {0}" }, async (_given: string) => {
    log.info(`calling ${url}`, { headers: { [token]: [`Bearer ${token}`] }, error: thrown });
    console.error(thrown);
    logger.warn({ key }, "p@ss/word");
    throw thrown;
  });
  const run = await testFlow(() => flow({ name: "leaking" }, () => leak(token))());
  expect(run.error).toBe(thrown);
  expect(run.taskRuns).toMatchObject([
    {
      renderedName: "leak [secret]",
      error: { message: "refused [secret]", cause: { message: "key [secret]" } },
    },
  ]);
  expect(run.logs.map(({ text }) => text)).toContain("calling https://x.test/?t=[secret]");
  const recorded = JSON.stringify(run.events);
  for (const hidden of [token, key, "p@ss/word", encodeURIComponent("p@ss/word")])
    expect(recorded).not.toContain(hidden);
});

test("a secret too short to look for is refused; none at all is none", () => {
  expect(() => secret("abc")).toThrow("it takes 4 or more");
  expect(secret("")).toBe("");
});
