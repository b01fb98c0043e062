import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createClient } from "./client.ts";

type Answer = { status: number; body: unknown; headers?: Record<string, string> };
type Seen = { method: string; url: string; authorization: string | undefined; body: string };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(answer: (seen: Seen) => Answer) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: request.url ?? "",
        authorization: request.headers.authorization,
        body,
      };
      seen.push(one);
      const { status, body: reply, headers } = answer(one);
      response
        .writeHead(status, headers)
        .end(typeof reply === "string" ? reply : JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = createClient({
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey: "dnb_x",
  });
  closers.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, seen };
}

const ID = "0198c0de-0000-7000-8000-000000000001";

const token = (n: number): Answer => ({
  status: 200,
  body: { accessToken: `t${n}`, expiresInSeconds: 600 },
});
const problem = (status: number, code: string, headers = {}): Answer => ({
  status,
  headers,
  body: {
    code,
    message: `about ${code}`,
    remedy: "",
    requestId: "req-1",
    issues: [{ path: "a", message: "b" }],
  },
});

describe("the client", () => {
  it("exchanges the API key once for many concurrent calls, and builds path and query", async () => {
    const { client, seen } = await serve((one) =>
      one.url === "/v1/auth/token"
        ? token(1)
        : { status: 200, body: { items: [], nextCursor: null } },
    );
    await Promise.all(
      [1, 2, 3].map(() =>
        client.call("listRuns", { query: { limit: 5, stateType: ["FAILED", "CRASHED"] } }),
      ),
    );
    expect(seen.filter((one) => one.url === "/v1/auth/token")).toHaveLength(1);
    expect(seen.at(-1)).toMatchObject({
      url: "/v1/runs?limit=5&stateType=FAILED%2CCRASHED",
      authorization: "Bearer t1",
    });
  });

  it("renews a refused token once, and gives up when the new one is refused too", async () => {
    let exchanged = 0;
    const { client, seen } = await serve((one) => {
      if (one.url === "/v1/auth/token") return token(++exchanged);
      return one.authorization === "Bearer t2"
        ? { status: 200, body: { ok: 1 } }
        : problem(401, "credentials_expired");
    });
    await client.call("whoAmI", {});
    expect(seen.map((one) => one.authorization)).toEqual([
      undefined,
      "Bearer t1",
      undefined,
      "Bearer t2",
    ]);
    exchanged = 5;
    await expect(client.call("whoAmI", {})).resolves.toBeDefined();
  });

  it("turns a problem into an error with code, issues, request id and delay", async () => {
    const { client } = await serve((one) =>
      one.url === "/v1/auth/token"
        ? token(1)
        : problem(429, "rate_limited", { "retry-after": "7" }),
    );
    await expect(client.call("whoAmI", {})).rejects.toMatchObject({
      code: "rate_limited",
      message: "about rate_limited",
      retryable: true,
      requestId: "req-1",
      retryAfterSeconds: 7,
      issues: [{ path: "a", message: "b" }],
    });
  });

  it("says when something else than the API answered", async () => {
    const { client } = await serve((one) =>
      one.url === "/v1/auth/token" ? token(1) : { status: 502, body: "<html>Bad gateway</html>" },
    );
    await expect(client.call("whoAmI", {})).rejects.toMatchObject({ code: "response_invalid" });
  });

  it("says when nobody answers, with the address", async () => {
    const client = createClient({ apiUrl: "http://127.0.0.1:9", apiKey: "dnb_x" });
    closers.push(() => client.close());
    await expect(client.call("whoAmI", {})).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("http://127.0.0.1:9") as string,
    });
  });

  it("refuses a URL that is none", () => {
    expect(() => createClient({ apiUrl: "not a url" })).toThrow(/"not a url"/);
  });

  it.each([
    ["readRun", (id: string) => ({ id, flowName: "etl" })],
    ["listTaskRuns", (runId: string) => ({ items: [{ runId, taskName: "clean" }] })],
  ] as const)(
    "takes from %s no answer about another run than was asked for",
    async (name, about) => {
      const [asked, other] = [ID, ID.replace("0", "1")];
      let told = asked;
      const { client } = await serve(({ url }) =>
        url === "/v1/auth/token" ? token(1) : { status: 200, body: about(told) },
      );
      const call = () => client.call(name, { params: { runId: asked }, query: {} } as never);
      await expect(call()).resolves.toEqual(about(asked));
      told = other;
      await expect(call()).rejects.toMatchObject({ code: "response_invalid" });
      await expect(call()).rejects.toThrow(new RegExp(`${asked}.*${other}`));
    },
  );
});
