import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { fastify } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "./listen.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function aTakenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

function anApp() {
  const app = fastify();
  opened.push(() => app.close());
  return app;
}

describe("listen", () => {
  it("says which port is taken and what to do", async () => {
    const port = await aTakenPort();
    const refused = listen(anApp(), { host: "127.0.0.1", port, portSearch: false });
    await expect(refused).rejects.toMatchObject({
      code: "port_taken",
      message: expect.stringContaining(String(port)),
    });
    await expect(refused).rejects.toMatchObject({
      remedy: expect.stringContaining("DOWNBEAT_PORT"),
    });
  });

  it("moves on to the next free port when asked to", async () => {
    const port = await aTakenPort();
    const url = await listen(anApp(), { host: "127.0.0.1", port, portSearch: true });
    expect(Number(new URL(url).port)).toBeGreaterThan(port);
  });
});
