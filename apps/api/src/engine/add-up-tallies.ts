import { addUpRunTallies } from "@downbeat/db";
import type { Services } from "../services.ts";

const BATCH = 10_000;

/** Adds up what runs that ended have left to be counted. Whoever reads counts both, so it may come late. */
export async function addUpTallies({ database }: Pick<Services, "database">): Promise<void> {
  while ((await database.asEngine((tx) => addUpRunTallies(tx, BATCH))) === BATCH);
}
