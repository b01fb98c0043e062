import type { Actor } from "@downbeat/contract";
import { shortId } from "../ui/short-id.ts";

const WORDS = {
  "api-key": "API key",
  agent: "agent",
  engine: "Downbeat",
} as const satisfies Record<Actor["kind"], string>;

/** Who did it, for people: "agent 4f2a91c0", "Downbeat". */
export function actorWords({ kind, id }: Actor): string {
  return id === null || kind === "engine" ? WORDS[kind] : `${WORDS[kind]} ${shortId(id)}`;
}
