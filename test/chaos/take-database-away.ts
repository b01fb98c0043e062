import { setTimeout as pause } from "node:timers/promises";
import type { PostgresServer } from "@downbeat/testkit/postgres-server";
import type { Random } from "./random.ts";

/** Ends PostgreSQL by a power cut (SIGKILL) or a fast shutdown (SIGINT), and starts it again up to two seconds later. */
export async function takeDatabaseAway(
  server: PostgresServer,
  signal: "SIGKILL" | "SIGINT",
  random: Random,
): Promise<void> {
  await server.kill(signal);
  await pause(random.between(0, 2_000));
  await server.restart();
}
