import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createClient } from "../client.ts";
import type { StreamOptions } from "./streamer.ts";

type Spec = { readonly flowName: string; readonly runId?: string };

/** What a server does to one stream: it is given the tags of lines as they come, and answers as it likes. */
type Serve = (exchange: Exchange) => Promise<void> | void;
type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The ids of the runs asked for, as they come. */
  readonly asked: AsyncIterator<string>;
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server that treats each stream as the next of these does; the last one goes on for ever. */
async function serving(...serves: readonly Serve[]) {
  const tokens: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/v1/auth/token") {
      const accessToken = `t${tokens.length}`;
      request.resume();
      response.end(JSON.stringify({ accessToken, expiresInSeconds: 600 }));
      return;
    }
    const serve = serves[Math.min(tokens.length, serves.length - 1)];
    tokens.push(request.headers.authorization);
    void serve?.({ request, response, asked: idsIn(request) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient({ apiUrl, apiKey: "dnb_x" });
  closers.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const pauses: number[] = [];
  const options: StreamOptions = {
    random: () => 0.5,
    pause: async (ms) => void pauses.push(ms),
  };
  return { client, options, pauses, tokens };
}

async function* idsIn(request: IncomingMessage): AsyncGenerator<string> {
  let begun = "";
  for await (const chunk of request) {
    const parts = (begun + String(chunk)).split("\n");
    begun = parts.pop() ?? "";
    for (const part of parts) yield (JSON.parse(part) as Spec).runId ?? "none";
  }
}

const answer = (response: ServerResponse, runId: string): void =>
  void response.write(`${JSON.stringify({ runId, error: null })}\n`);

/** Answers so many lines, then does something else. */
const answering =
  (count: number, then: (response: ServerResponse) => void): Serve =>
  async ({ response, asked }) => {
    response.writeHead(200).flushHeaders();
    for (let left = count; left > 0; left -= 1) {
      const { value, done } = await asked.next();
      if (done === true) return void response.end();
      answer(response, value);
    }
    then(response);
  };
const answeringAll = answering(Number.POSITIVE_INFINITY, () => {});
const refusing =
  (status: number, code: string, headers = {}): Serve =>
  ({ response }) =>
    void response
      .writeHead(status, headers)
      .end(JSON.stringify({ code, message: code, requestId: "r" }));
const endingWith = (code: string) => (response: ServerResponse) =>
  void response.end(
    `${JSON.stringify({ problem: { code, message: code, remedy: "", requestId: "r", retryAfterSeconds: 3 } })}\n`,
  );

const specs = (count: number, fields: object = {}): Spec[] =>
  Array.from({ length: count }, (_, at) => ({ flowName: "f", runId: `run-${at}`, ...fields }));
const ids = (count: number): string[] => specs(count).map(({ runId }) => runId ?? "");

async function gather(outcomes: AsyncIterable<{ readonly runId: string | null }>) {
  const runIds: (string | null)[] = [];
  for await (const { runId } of outcomes) runIds.push(runId);
  return runIds;
}

it("yields the answers in order, and asks for nothing when there is nothing to ask", async () => {
  const { client, options, tokens } = await serving(answeringAll);
  expect(await gather(client.stream("createRunStream", specs(1_000), options))).toEqual(ids(1_000));
  expect(await gather(client.stream("createRunStream", [], options))).toEqual([]);
  expect(tokens).toHaveLength(1);
});

it("renews a refused token once and sends everything again, also what cannot be repeated", async () => {
  const { client, options, tokens } = await serving(
    refusing(401, "credentials_expired"),
    answeringAll,
  );
  const plain = specs(3, { runId: undefined });
  expect(await gather(client.stream("createRunStream", plain, options))).toHaveLength(3);
  expect(tokens).toEqual(["Bearer t0", "Bearer t1"]);
});

it("gives up when the renewed token is refused too", async () => {
  const { client, options, tokens } = await serving(refusing(401, "credentials_invalid"));
  const outcomes = gather(client.stream("createRunStream", specs(3), options));
  await expect(outcomes).rejects.toMatchObject({ code: "credentials_invalid" });
  expect(tokens).toHaveLength(2);
});

it("comes back when there was no room, after the time that was asked for", async () => {
  const busy = refusing(503, "unavailable", { "retry-after": "7" });
  const { client, options, pauses } = await serving(busy, busy, answeringAll);
  const plain = specs(3, { runId: undefined });
  expect(await gather(client.stream("createRunStream", plain, options))).toHaveLength(3);
  expect(pauses).toEqual([7_000, 7_000]);
});

it.each([
  ["a connection that breaks", (response: ServerResponse) => void response.destroy()],
  ["a last line that says so", endingWith("unavailable")],
  ["an answer that ends early", (response: ServerResponse) => void response.end()],
])("goes on after %s with what was not answered", async (_, breakOff) => {
  const { client, options, pauses } = await serving(
    answering(5, (response) => setImmediate(breakOff, response)),
    answering(0, breakOff),
    answeringAll,
  );
  const outcomes = client.stream("createRunStream", specs(5_000), options);
  expect(await gather(outcomes)).toEqual(ids(5_000));
  expect(pauses).toHaveLength(2);
});

it("does not repeat what might be made twice, and says how many were acknowledged", async () => {
  const { client, options, tokens } = await serving(answering(5, endingWith("unavailable")));
  const plain = specs(20, { runId: undefined });
  await expect(gather(client.stream("createRunStream", plain, options))).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/after 5 of its lines were acknowledged.*`runId` or/) as string,
  });
  expect(tokens).toHaveLength(1);
});

it("gives up after ten failures in a row, with growing pauses, and begins to count anew with each answer", async () => {
  const cut = (response: ServerResponse) => void response.destroy();
  const { client, options, pauses } = await serving(
    ...Array.from({ length: 8 }, () => answering(0, cut)),
    answering(1, (response) => setImmediate(cut, response)),
    answering(0, cut),
  );
  await expect(gather(client.stream("createRunStream", specs(3), options))).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("after 1 of its lines") as string,
  });
  expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect(pauses.length).toBe(8 + 1 + 10);
});

it("passes on at once what will not pass", async () => {
  const { client, options, pauses } = await serving(answering(2, endingWith("role_insufficient")));
  const outcomes = gather(client.stream("createRunStream", specs(5), options));
  await expect(outcomes).rejects.toMatchObject({ code: "role_insufficient" });
  expect(pauses).toEqual([]);
});

it("takes no more from the source than the answers leave room for", async () => {
  let taken = 0;
  function* endless() {
    for (;;) yield { flowName: "f", runId: `run-${(taken += 1)}` };
  }
  const { client, options } = await serving(answering(10, () => {}));
  const outcomes = client.stream("createRunStream", endless(), options)[Symbol.asyncIterator]();
  for (let at = 0; at < 10; at += 1) await outcomes.next();
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  expect(taken).toBeLessThanOrEqual(2_000 + 10);
  await outcomes.return?.();
});

it("sends a line at once when the next one is not there yet", async () => {
  const { client, options } = await serving(answeringAll);
  const [first, second] = specs(2);
  let go = (): void => {};
  const gone = new Promise<void>((resolve) => (go = resolve));
  async function* slow() {
    if (first !== undefined) yield first;
    await gone;
    if (second !== undefined) yield second;
  }
  const outcomes = client.stream("createRunStream", slow(), options)[Symbol.asyncIterator]();
  expect((await outcomes.next()).value).toMatchObject({ runId: "run-0" });
  go();
  expect((await outcomes.next()).value).toMatchObject({ runId: "run-1" });
  expect((await outcomes.next()).done).toBe(true);
});

it("yields the answers to all that a source gave before it failed, and then its failure", async () => {
  const { client, options } = await serving(answeringAll);
  async function* failing() {
    yield* specs(3);
    throw new Error("no more");
  }
  const outcomes = client.stream("createRunStream", failing(), options)[Symbol.asyncIterator]();
  for (const runId of ids(3)) expect((await outcomes.next()).value).toMatchObject({ runId });
  await expect(outcomes.next()).rejects.toThrow("no more");
});

it("stops when it is told to", async () => {
  const stopping = new AbortController();
  const { client, options } = await serving(answering(1, () => {}));
  const signal = stopping.signal;
  const outcomes = client.stream("createRunStream", specs(5), { ...options, signal });
  const iterator = outcomes[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  stopping.abort(new Error("stopped"));
  await expect(next).rejects.toThrow("stopped");
});

it("stops when it is told to while its source has nothing", async () => {
  const stopping = new AbortController();
  const { client, options } = await serving(answeringAll);
  async function* silent() {
    await new Promise(() => {});
    yield* specs(1);
  }
  const { signal } = stopping;
  const outcomes = client.stream("createRunStream", silent(), { ...options, signal });
  const next = outcomes[Symbol.asyncIterator]().next();
  stopping.abort(new Error("stopped"));
  await expect(next).rejects.toThrow("stopped");
});

it("does not stream where each request has to be told of before it goes", () => {
  const client = createClient({ apiUrl: "http://127.0.0.1:9", onSend: async () => {} });
  closers.push(() => client.close());
  expect(() => client.stream("createRunStream", [])).toThrow(/onSend/);
});
