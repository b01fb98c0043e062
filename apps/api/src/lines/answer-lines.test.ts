import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable, Writable } from "node:stream";
import { DownbeatError } from "@downbeat/contract";
import { expect, it } from "vitest";
import { answerProblem, toDownbeatError } from "../problem.ts";
import { answerLines, type Exchange } from "./answer-lines.ts";

const LONGEST_LINE_BYTES = 1_000;

/** Answers each line with itself; the answers are taken as fast as `take` does. */
function anExchange(body: Readable, parts: Partial<Exchange<string>> = {}): Exchange<string> {
  return {
    body,
    response: new PassThrough() as unknown as ServerResponse,
    inbox: {
      read: (line) => (line === "too long" ? line : line.bytes.toString()),
      longestLineBytes: LONGEST_LINE_BYTES,
      maxItems: 10,
      signal: new AbortController().signal,
    },
    answer: async (items) => items,
    describe: (error) => answerProblem(toDownbeatError(error), "request"),
    ...parts,
  };
}

async function answered({ response }: Exchange<string>): Promise<unknown[]> {
  const chunks = await (response as unknown as Readable).toArray();
  const lines = Buffer.concat(chunks as Buffer[])
    .toString()
    .split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as unknown);
}

/** Lines without end; tells how many were read. */
function endlessLines() {
  let read = 0;
  const body = new Readable({
    highWaterMark: 100,
    read() {
      this.push(`${"x".repeat(8)}${(read += 1)}\n`);
    },
  });
  return { body, read: () => read };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

it("answers in order, in batches of what has arrived, no larger than the most", async () => {
  const sizes: number[] = [];
  const body = Readable.from([Buffer.from(`${"1\n".repeat(25)}2\n`)]);
  const exchange = anExchange(body, {
    answer: async (items) => {
      sizes.push(items.length);
      return items;
    },
  });
  const answers = answered(exchange);
  await answerLines(exchange);
  expect(await answers).toEqual([...Array.from({ length: 25 }, () => "1"), "2"]);
  expect(sizes).toEqual([10, 10, 6]);
});

it("answers a line that comes alone before anything follows", async () => {
  const body = new PassThrough();
  const exchange = anExchange(body);
  const done = answerLines(exchange);
  body.write("1\n");
  const [answer] = (await once(exchange.response, "data")) as [Buffer];
  expect(answer.toString()).toBe('"1"\n');
  body.end();
  await done;
});

it("reads no further than a batch and the next while the first is being answered", async () => {
  const { body, read } = endlessLines();
  let batches = 0;
  const exchange = anExchange(body, {
    answer: () => {
      batches += 1;
      return new Promise(() => {});
    },
  });
  void answerLines(exchange);
  await turns(100);
  expect(batches).toBe(1);
  // A batch being answered, one that waits, and what the stream itself reads ahead.
  expect(read()).toBeLessThanOrEqual(10 + 10 + 15);
});

it("reads no further while nobody takes the answers, and goes on when somebody does", async () => {
  const { body, read } = endlessLines();
  let taken: (() => void) | undefined;
  const response = new Writable({
    highWaterMark: 50,
    write: (_chunk, _encoding, done) => void (taken = done),
  });
  void answerLines(anExchange(body, { response: response as unknown as ServerResponse }));
  await turns(100);
  const before = read();
  await turns(100);
  expect(read()).toBe(before);
  expect(before).toBeLessThanOrEqual(3 * 10 + 15);
  taken?.();
  await turns(100);
  expect(read()).toBeGreaterThan(before);
});

it("holds no more than the longest line of large ones", async () => {
  const held: number[] = [];
  let waiting: (() => void) | undefined;
  let readBytes = 0;
  const body = new Readable({
    highWaterMark: 100,
    read() {
      readBytes += 301;
      this.push(`${"x".repeat(300)}\n`);
    },
  });
  let answeredBytes = 0;
  const exchange = anExchange(body, {
    answer: async (items) => {
      await new Promise<void>((resolve) => (waiting = resolve));
      answeredBytes += 301 * items.length;
      return [];
    },
  });
  void answerLines(exchange);
  for (let round = 0; round < 20; round += 1) {
    await turns(20);
    held.push(readBytes - answeredBytes);
    waiting?.();
  }
  expect(Math.max(...held)).toBeLessThanOrEqual(LONGEST_LINE_BYTES + 4 * 301);
  expect(answeredBytes).toBeGreaterThan(5 * 301);
});

it("reads on a line that alone is as long as all that may be held", async () => {
  const long = "x".repeat(LONGEST_LINE_BYTES);
  const pieces = Array.from(Buffer.from(`${long}\n${long}`), (byte) => Buffer.of(byte));
  const exchange = anExchange(Readable.from(pieces));
  const answers = answered(exchange);
  await answerLines(exchange);
  expect(await answers).toEqual([long, long]);
});

it("ends with a problem when the lines cannot be answered", async () => {
  const exchange = anExchange(Readable.from([Buffer.from("1\n")]), {
    answer: () => Promise.reject(new DownbeatError("unavailable", { retryAfterSeconds: 3 })),
  });
  const answers = answered(exchange);
  await answerLines(exchange);
  expect(await answers).toEqual([
    {
      problem: expect.objectContaining({
        code: "unavailable",
        requestId: "request",
        retryAfterSeconds: 3,
      }),
    },
  ]);
});

it("lets a caller who reads only after sending all read the last line", async () => {
  const fails = () => Promise.reject(new DownbeatError("unavailable"));
  const server = createServer(
    (incoming, response) => void answerLines(anExchange(incoming, { response, answer: fails })),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sending = request({ port, method: "POST" });
  const answering = once(sending, "response") as Promise<[Readable]>;
  sending.end("1\n".repeat(10_000_000)); // more than the system holds for a connection
  await once(sending, "finish");
  const [response] = await answering;
  expect(Buffer.concat(await response.toArray()).toString()).toContain('{"problem":');
  await new Promise((resolve) => server.close(resolve));
});
