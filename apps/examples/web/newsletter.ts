import { remoteRun } from "@downbeat/sdk";
import Fastify, { type FastifyInstance } from "fastify";
import { sendMail } from "../flows/send-mail.ts";

type Newsletter = { readonly subject: string; readonly addresses: readonly string[] };

/** A web app whose handler sends a newsletter to thousands on one click, and answers at once: agents do the sending. */
export function buildNewsletterApp(): FastifyInstance {
  const app = Fastify();

  app.post<{ Body: Newsletter }>("/newsletters", async ({ body }, reply) => {
    const runs = body.addresses.map((address) => sendMail.delay(address, body.subject));
    // Once the plane has them they are done whatever becomes of this process. Without this line the answer is even quicker.
    await Promise.all(runs.map(({ sent }) => sent));
    return reply.code(202).send({ runIds: runs.map(({ runId }) => runId) });
  });

  app.get<{ Params: { runId: string } }>("/mails/:runId", async ({ params }) => {
    const { state, errorClass } = await remoteRun(params.runId).status();
    return { state: state.name, errorClass };
  });

  return app;
}
