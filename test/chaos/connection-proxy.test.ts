import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { waitFor } from "@downbeat/testkit/wait-for";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConnectionProxy } from "./connection-proxy.ts";

let upstream: Server;
let proxy: ConnectionProxy;
let caller: Socket;
let served: Socket;
let arrived: { up: string; down: string };

beforeEach(async () => {
  arrived = { up: "", down: "" };
  upstream = createServer().listen(0, "127.0.0.1");
  await once(upstream, "listening");
  proxy = await ConnectionProxy.start((upstream.address() as AddressInfo).port);
  caller = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  [served] = (await once(upstream, "connection")) as [Socket];
  for (const socket of [caller, served]) socket.on("error", () => {});
  caller.on("data", (bytes) => (arrived.down += bytes.toString()));
  served.on("data", (bytes) => (arrived.up += bytes.toString()));
  caller.write("ask");
  served.write("answer");
  await waitFor(() => arrived.up === "ask" && arrived.down === "answer");
});

afterEach(async () => {
  caller.destroy();
  served.destroy();
  await proxy.close();
  upstream.close();
});

const hungUp = () => expect.poll(() => [caller.closed, served.closed]).toEqual([true, true]);

it("resets what is open, and carries what comes afterwards", async () => {
  proxy.reset();
  await hungUp();
  const again = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  const [second] = (await once(upstream, "connection")) as [Socket];
  again.end("again");
  expect(String((await once(second, "data"))[0])).toBe("again");
});

it.each([
  ["up", () => caller.write("01234567"), { up: "ask0123", down: "answer" }],
  ["down", () => served.write("01234567"), { up: "ask", down: "answer0123" }],
] as const)("passes half of what comes next on its way %s, then hangs up", async (_, send, all) => {
  proxy.halve();
  send();
  await hungUp();
  expect(arrived).toEqual(all);
});

it("loses answers and passes on what is sent", async () => {
  proxy.loseAnswers();
  served.write("lost");
  caller.write(" more");
  await expect.poll(() => arrived.up).toBe("ask more");
  proxy.reset();
  await hungUp();
  expect(arrived.down).toBe("answer");
});
