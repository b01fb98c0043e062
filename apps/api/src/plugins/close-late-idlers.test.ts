import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { DownbeatError } from "@downbeat/contract";
import { fastify } from "fastify";
import { expect, it } from "vitest";
import { closeLateIdlers } from "./close-late-idlers.ts";
import { answerErrors } from "./errors.ts";

it("stops when the body of a request that was refused has arrived at last", async () => {
  const app = fastify({ forceCloseConnections: "idle" });
  answerErrors(app);
  closeLateIdlers(app);
  app.addHook("onRequest", async () => {
    throw new DownbeatError("credentials_missing");
  });
  app.post("/", async () => "taken");
  await app.listen({ port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 4\r\n\r\n12");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("401");
  const closed = app.close();
  while (app.server.listening) await new Promise(setImmediate);
  socket.write("34");
  await closed;
});
