import { once } from "node:events";
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { boundRequests } from "./bound-requests.ts";
import { answerErrors } from "./errors.ts";
import { acceptJsonBodies } from "./json-bodies.ts";

const MAX_BYTES = 1_000_000;
/** More than the system holds for a connection that nobody reads from. */
const LARGE_ANSWER_BYTES = 64_000_000;
const PATIENCE = { timeout: 20_000 };
const LARGE = JSON.stringify("x".repeat(600_000));

let app: FastifyInstance;
let base: string;

beforeEach(async () => {
  app = fastify({ forceCloseConnections: true });
  acceptJsonBodies(app);
  answerErrors(app);
  boundRequests(app, MAX_BYTES);
  app.post("/take", async () => "taken");
  app.get("/large", async () => "x".repeat(LARGE_ANSWER_BYTES));
  await app.listen({ port: 0 });
  base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
afterEach(() => app.close());

it("refuses a large body while another is on its way, before reading it, and takes it afterwards", async () => {
  const first = begin({ "content-length": String(LARGE.length) });
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(503);
  const refused = await post(LARGE);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ code: "unavailable" });
  first.end(LARGE.slice(1));
  expect(await statusOf(first)).toBe(200);
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(200);
});

it("lets small requests through meanwhile", async () => {
  const first = begin({ "content-length": String(LARGE.length) });
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(503);
  expect((await post("1")).status).toBe(200);
  first.destroy();
});

it("forgets a request whose caller hung up", async () => {
  const first = begin({ "content-length": String(LARGE.length) });
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(503);
  first.destroy();
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(200);
});

it("takes a body without a length for the longest there may be", async () => {
  const first = begin({ "transfer-encoding": "chunked" });
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(503);
  first.destroy();
});

it("counts an answer until it has been taken", async () => {
  const reading = httpRequest(`${base}/large`).end();
  reading.on("error", () => {}); // hung up below
  await once(reading, "response"); // and no further
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(503);
  reading.destroy();
  await expect.poll(() => answerTo(LARGE), PATIENCE).toBe(200);
});

it("takes a request that is larger than all it may hold when there is no other", async () => {
  expect((await post(JSON.stringify("x".repeat(MAX_BYTES * 0.9999)))).status).toBe(200);
});

function begin(headers: Record<string, string>): ClientRequest {
  const request = httpRequest(`${base}/take`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
  });
  request.on("error", () => {}); // destroyed by the test
  request.write(LARGE.slice(0, 1));
  return request;
}

async function statusOf(request: ClientRequest): Promise<number | undefined> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response.statusCode;
}

async function answerTo(body: string): Promise<number> {
  return (await post(body)).status;
}

function post(body: string): Promise<Response> {
  return fetch(`${base}/take`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}
