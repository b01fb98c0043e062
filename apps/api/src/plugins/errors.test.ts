import { EventEmitter, once } from "node:events";
import { DownbeatError } from "@downbeat/contract";
import { fastify, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createLogger } from "../logger.ts";
import { boundRequests } from "./bound-requests.ts";
import { answerErrors } from "./errors.ts";

type Line = { readonly level: number; readonly msg: string; readonly [field: string]: unknown };

const [WARN, ERROR] = [40, 50];

let app: FastifyInstance;
let lines: Line[];
let events: EventEmitter;
/** What is to be called later. */
let due: { readonly call: () => void; readonly delayMs: number }[];

beforeEach(() => {
  [lines, due, events] = [[], [], new EventEmitter()];
  const loggerInstance: FastifyBaseLogger = createLogger("warn", {
    write: (line) => void lines.push(JSON.parse(line)),
  });
  app = fastify({ loggerInstance });
  answerErrors(app, (call, delayMs) => void due.push({ call, delayMs }));
  boundRequests(app, 1_000_000);
  app.post("/held", async () => {
    events.emit("begun");
    await once(events, "end");
    return "done";
  });
  app.get("/full/:id", () =>
    Promise.reject(new DownbeatError("unavailable", { message: "9 wait." })),
  );
  app.get("/away", () => Promise.reject(awayDatabase()));
  app.get("/broken", () => Promise.reject(new Error("a fault", { cause: new Error("deep") })));
  app.get("/odd", () =>
    Promise.reject(new DownbeatError("unavailable", { cause: new Error("odd") })),
  );
});
afterEach(() => app.close());

it("logs the first refusal with route and reason, without a stack, and a second later how many followed", async () => {
  for (const url of ["/full/1", "/full/2", "/full/3"]) expect(await statusOf(url)).toBe(503);
  expect(lines).toEqual([
    expect.objectContaining({
      level: WARN,
      reqId: expect.any(String),
      method: "GET",
      route: "/full/:id",
      err: { type: "DownbeatError", code: "unavailable", message: "9 wait." },
    }),
  ]);
  passSecond();
  expect(lines.slice(1)).toEqual([
    expect.objectContaining({
      level: WARN,
      code: "unavailable",
      requests: 2,
      routes: { "GET /full/:id": 2 },
    }),
  ]);
});

it("begins anew after that second, and says nothing more of a refusal that stayed alone", async () => {
  await statusOf("/full/1");
  passSecond();
  expect(lines).toHaveLength(1);
  await statusOf("/full/1");
  expect(lines.map(({ route }) => route)).toEqual(["/full/:id", "/full/:id"]);
});

it("counts a lost database apart, under its own code and with what the driver says", async () => {
  for (const url of ["/full/1", "/away", "/away", "/full/1", "/away"]) await statusOf(url);
  expect(lines.map(({ err }) => err)).toEqual([
    expect.objectContaining({ code: "unavailable" }),
    {
      type: "DownbeatError",
      code: "database_unreachable",
      message: "The database at db:5432 could not be reached.",
      cause: { type: "Error", message: "connect ECONNREFUSED" },
    },
  ]);
  passSecond();
  expect(lines.slice(2).map(({ code, requests }) => [code, requests])).toEqual([
    ["unavailable", 1],
    ["database_unreachable", 2],
  ]);
});

it("tells what it has counted when the server closes", async () => {
  await statusOf("/away");
  await statusOf("/away");
  await app.close();
  expect(lines.at(-1)).toMatchObject({ code: "database_unreachable", requests: 1 });
  passSecond();
  expect(lines).toHaveLength(2);
});

it("logs what is refused for the memory it would take, also where there is no route", async () => {
  const large = { method: "POST", payload: { text: "x".repeat(600_000) } } as const;
  const begun = once(events, "begun");
  const first = app.inject({ url: "/held", ...large }).then(({ statusCode }) => statusCode);
  await begun;
  expect((await app.inject({ url: "/nowhere", ...large })).statusCode).toBe(503);
  events.emit("end");
  expect(await first).toBe(200);
  expect(lines).toEqual([
    expect.objectContaining({
      level: WARN,
      method: "POST",
      route: "none",
      err: expect.objectContaining({ message: expect.stringContaining("are being worked on") }),
    }),
  ]);
});

it.each(["/broken", "/odd"])(
  "logs every fault as an error with stack and cause: %s",
  async (url) => {
    await statusOf(url);
    await statusOf(url);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [ERROR, "a request failed"],
      [ERROR, "a request failed"],
    ]);
    expect(lines[0]?.["err"]).toMatchObject({
      stack: expect.stringContaining("errors"),
      cause: { stack: expect.stringContaining("errors.test.ts") },
    });
    expect(due).toEqual([]);
  },
);

function awayDatabase(): DownbeatError {
  return new DownbeatError("database_unreachable", {
    message: "The database at db:5432 could not be reached.",
    cause: new Error("connect ECONNREFUSED"),
  });
}

function passSecond(): void {
  for (const { call, delayMs } of due.splice(0)) if (delayMs === 1000) call();
}

async function statusOf(url: string): Promise<number> {
  return (await app.inject({ url })).statusCode;
}
