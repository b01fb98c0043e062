import { DownbeatError } from "@downbeat/contract";
import type { FastifyInstance } from "fastify";

const MOST_PORTS_TRIED = 100;

export type ListenOptions = {
  readonly host: string;
  readonly port: number;
  readonly portSearch: boolean;
};

/**
 * Listens, and returns the URL. With `portSearch` a taken port moves on to the next one.
 *
 * @throws {DownbeatError} port_taken
 */
export async function listen(
  app: FastifyInstance,
  { host, port, portSearch }: ListenOptions,
): Promise<string> {
  for (let tried = port; tried < port + MOST_PORTS_TRIED && tried <= 65_535; tried += 1) {
    try {
      return await app.listen({ host, port: tried });
    } catch (error) {
      if (!isTaken(error)) throw error;
      if (!portSearch)
        throw portTaken(`Port ${tried} on ${host} is taken by another program.`, error);
      app.log.warn({ host, port: tried }, "the port is taken; trying the next one");
    }
  }
  throw portTaken(
    `The ports from ${port} on, ${MOST_PORTS_TRIED} of them, are all taken on ${host}.`,
    undefined,
  );
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function portTaken(message: string, cause: unknown): DownbeatError {
  return new DownbeatError("port_taken", { message, cause });
}
