import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OpenStreams } from "./open-streams.ts";
import { spareStreams } from "./spare-streams.ts";

let app: FastifyInstance;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  app = fastify({
    forceCloseConnections: true,
    requestTimeout: 200,
    http: { connectionsCheckingInterval: 50, headersTimeout: 100 },
  });
  const streams = new OpenStreams();
  spareStreams(app, streams);
  app.addContentTypeParser("text/plain", (_request, body, done) => done(null, body));
  app.post("/stream", (request, reply) => {
    reply.hijack();
    streams.begin(reply.raw);
    reply.raw.writeHead(200).flushHeaders();
    request.raw.on("data", (chunk: Buffer) => reply.raw.write(chunk));
    request.raw.on("end", () => reply.raw.end());
  });
  app.post("/whole", async () => "taken");
  await app.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await app.close();
});

function send(path: string, type: string): { socket: Socket; said: () => string } {
  const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  let said = "";
  socket.on("data", (chunk) => (said += chunk.toString()));
  socket.on("error", () => {});
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: here\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n`,
  );
  return { socket, said: () => said };
}

it("cuts a request that does not arrive in time, and no stream however long it takes", async () => {
  const stream = send("/stream", "text/plain");
  for (let late = 0; late < 3; late += 1) {
    const slow = send("/whole", "application/json");
    await once(slow.socket, "close");
    expect(slow.said()).toContain("408");
  }
  stream.socket.write("4\r\nlast\r\n0\r\n\r\n");
  await expect.poll(stream.said).toMatch(/last\r\n0\r\n\r\n$/);
  expect(stream.said()).not.toContain("408");
});

it("cuts a stream that is no longer HTTP, without another status in its answer", async () => {
  const stream = send("/stream", "text/plain");
  await expect.poll(stream.said).toContain("200 OK");
  stream.socket.write("not a chunk\r\n");
  await once(stream.socket, "close");
  expect(stream.said().match(/HTTP\/1\.1/g)).toHaveLength(1);
});
