import { EventEmitter, getEventListeners, once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { wholeAnswer } from "./whole-answer.ts";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server whose answers the test writes, and one connection to it. */
async function serve() {
  const asked = new EventEmitter<{ request: [path: string, response: ServerResponse] }>();
  const server = createServer((request, response) => {
    asked.emit("request", request.url ?? "", response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispatcher = new Agent({ connections: 1 });
  closers.push(
    () => dispatcher.destroy(),
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (path: string, signal?: AbortSignal) =>
    wholeAnswer(dispatcher, { origin, path, method: "GET", body: null }, signal);
  return { ask, asked, nextRequest: async () => (await once(asked, "request"))[1] };
}

describe("wholeAnswer", () => {
  it("joins an answer that comes in pieces, cut inside a character", async () => {
    const { ask, nextRequest } = await serve();
    const answer = ask("/");
    const response = await nextRequest();
    const bytes = Buffer.from("vier Stücke für €4");
    response.writeHead(201, { "x-one": "first" });
    for (const byte of bytes) await new Promise((sent) => response.write(Buffer.of(byte), sent));
    response.end();
    const { status, header, text } = await answer;
    expect({ status, one: header("x-one"), two: header("x-two"), text }).toEqual({
      status: 201,
      one: "first",
      two: undefined,
      text: "vier Stücke für €4",
    });
  });

  it("takes the final answer, not the hints before it", async () => {
    const { ask, nextRequest } = await serve();
    const answer = ask("/");
    const response = await nextRequest();
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.writeHead(204).end();
    expect(await answer).toMatchObject({ status: 204, text: "" });
  });

  it("rejects when the connection breaks inside the answer", async () => {
    const { ask, nextRequest } = await serve();
    const answer = ask("/");
    const response = await nextRequest();
    response.writeHead(200, { "content-length": 10 });
    response.write("half", () => response.destroy());
    await expect(answer).rejects.toThrow(/terminated|closed|hang up|socket/);
  });

  it("rejects with the signal's reason, and leaves nothing at the signal", async () => {
    const { ask, nextRequest } = await serve();
    const ending = new AbortController();
    const answer = ask("/", ending.signal);
    const response = await nextRequest();
    const closed = once(response, "close");
    ending.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
    await closed; // the server need not go on either
    expect(getEventListeners(ending.signal, "abort")).toEqual([]);
    await expect(ask("/", ending.signal)).rejects.toThrow("enough");
  });

  it("does not send what was aborted while it waited for a connection", async () => {
    const { ask, asked, nextRequest } = await serve();
    const paths: string[] = [];
    asked.on("request", (path) => paths.push(path));
    const first = ask("/first");
    const response = await nextRequest();
    const ending = new AbortController();
    const second = ask("/second", ending.signal);
    const third = ask("/third");
    ending.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    const thirdAsked = nextRequest();
    response.end("1");
    expect((await first).text).toBe("1");
    (await thirdAsked).end("3");
    expect((await third).text).toBe("3");
    expect(paths).toEqual(["/first", "/third"]);
  });
});
