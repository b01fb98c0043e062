import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FaultProxy, type Fault, type FaultProxyOptions } from "./fault-proxy.ts";

let upstream: Server;
let served: string[];
let proxy: FaultProxy | undefined;

beforeEach(async () => {
  served = [];
  upstream = createServer((request, response) => {
    served.push(request.url ?? "");
    response.end(`answer to ${request.url}`);
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
});

afterEach(async () => {
  await proxy?.close();
  upstream.close();
  upstream.closeAllConnections();
});

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function through(fault: Fault, more: Partial<FaultProxyOptions> = {}): Promise<FaultProxy> {
  proxy = await FaultProxy.start({
    upstreams: () => [urlOf(upstream)],
    faultFor: () => fault,
    ...more,
  });
  return proxy;
}

it("passes a call on and back", async () => {
  const { url } = await through("none");
  expect(await (await fetch(`${url}/a`)).text()).toBe("answer to /a");
});

it("cuts the caller off after the upstream has done its work", async () => {
  const { url, faults } = await through("drop");
  await expect(fetch(`${url}/a`)).rejects.toThrow("fetch failed");
  expect(served).toEqual(["/a"]);
  expect(faults.drop).toBe(1);
});

it("leaves the caller without any answer, once the work is done", async () => {
  let passed = (): void => {};
  const isPassed = new Promise<void>((resolve) => (passed = resolve));
  const { url } = await through("half-open", { onPassed: () => passed() });
  const giveUp = new AbortController();
  const answer = fetch(`${url}/a`, { signal: giveUp.signal });
  await Promise.race([isPassed, answer]);
  expect(served).toEqual(["/a"]);
  giveUp.abort();
  await expect(answer).rejects.toThrow("aborted");
});

it("goes to the next upstream when nobody is at the first", async () => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const nobody = urlOf(gone);
  gone.close();
  const { url } = await through("none", { upstreams: () => [nobody, urlOf(upstream)] });
  for (const path of ["/a", "/b", "/c"]) expect((await fetch(`${url}${path}`)).status).toBe(200);
  expect(served).toEqual(["/a", "/b", "/c"]);
});
