import { posix } from "node:path";
import { DownbeatError } from "@downbeat/contract";

export type Entrypoint = { readonly path: string; readonly export: string };

/**
 * Holds an entrypoint against the list of what this agent may run.
 *
 * @param allowed files, folders, or `file#export`, relative to the project; undefined allows the whole project
 * @throws DownbeatError `entrypoint_invalid`
 */
export function requireAllowed(
  entrypoint: Entrypoint,
  allowed: readonly string[] | undefined,
): void {
  if (allowed === undefined || allowed.some((entry) => covers(entry, entrypoint))) return;
  throw new DownbeatError("entrypoint_invalid", {
    message: `The entrypoint "${entrypoint.path}#${entrypoint.export}" is not among those that this agent may run (DOWNBEAT_ALLOW).`,
  });
}

function covers(entry: string, entrypoint: Entrypoint): boolean {
  const [place = "", exported] = entry.split("#");
  if (exported !== undefined && exported !== entrypoint.export) return false;
  // Normalised on both sides, so that "flows/../tools/x.ts" does not pass for something in "flows".
  const allowed = posix.normalize(place).replace(/\/$/, "");
  const path = posix.normalize(entrypoint.path.replaceAll("\\", "/"));
  return path === allowed || path.startsWith(`${allowed}/`) || allowed === ".";
}
