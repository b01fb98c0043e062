import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createDatabase, type TestDatabase } from "@downbeat/testkit";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { openStream, type OpenStream } from "./open-stream.ts";

let made: TestDatabase;
let api: TestApi;
let here: TestWorkspace;
let url: string;
const closers: (() => void)[] = [];

beforeAll(async () => {
  made = await createDatabase("postgres");
});
afterAll(() => made.drop());
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await api.app.close();
});

async function startWith(cutOff: { requestMs?: number; silenceMs?: number }): Promise<void> {
  api = await startTestApi(made.database, { runEngine: false, cutOff });
  url = await api.app.listen({ port: 0, host: "127.0.0.1" });
  here = await api.workspace(Object.keys(cutOff).join());
  await here.deploy("weather");
}

async function open(): Promise<OpenStream> {
  const stream = await openStream(url, here.token);
  closers.push(() => stream.request.destroy());
  return stream;
}

async function goesOn(stream: OpenStream): Promise<void> {
  stream.write(`${JSON.stringify({ flowName: "weather" })}\n`);
  expect(await stream.next()).toMatchObject({ error: null });
}

/** A request that says how long it will be and sends less. */
function neverWhole(): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const headers = {
    host: "here",
    authorization: `Bearer ${here.token}`,
    "content-type": "application/json",
    "content-length": 10,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /v1/runs HTTP/1.1\r\n${head.join("")}\r\n{`);
  closers.push(() => socket.destroy());
  return socket;
}

it("lets a stream live longer than other requests may take to arrive", async () => {
  await startWith({ requestMs: 500 });
  const stream = await open();
  for (let cut = 0; cut < 3; cut += 1) {
    await goesOn(stream);
    const late = neverWhole();
    expect(String((await once(late, "data"))[0])).toContain("408");
  }
  await goesOn(stream);
  stream.request.end();
  expect(await stream.next()).toBeUndefined();
});

it("cuts a stream over which nothing moves, and none that goes on", async () => {
  await startWith({ silenceMs: 1_000 });
  const silent = await open();
  const lively = await open();
  await goesOn(silent);
  let isCut = false;
  silent.response.once("close", () => (isCut = true));
  while (!isCut) await goesOn(lively);
  await expect(silent.rest()).rejects.toThrow("aborted");
  await goesOn(lively);
});
