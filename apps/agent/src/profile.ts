import { readFileSync } from "node:fs";
import { DownbeatError } from "@downbeat/contract";
import { z } from "zod";

const Profile = z.object({ apiUrl: z.url(), apiKey: z.string(), keyFile: z.string().optional() });
export type Profile = z.infer<typeof Profile>;

/**
 * Reads a profile as `downbeat login` writes it; undefined when there is none.
 *
 * @throws DownbeatError `configuration_invalid`
 */
export function readProfile(path: string): Profile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new DownbeatError("configuration_invalid", {
      message: `The profile ${path} cannot be read.`,
      cause,
    });
  }
  const profile = z.string().transform(parseJson).pipe(Profile).safeParse(text);
  if (profile.success) return profile.data;
  // No cause: it would quote the file, and the file holds an API key.
  throw new DownbeatError("configuration_invalid", {
    message: `The profile ${path} is not valid; run \`downbeat login\`.`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // reported as not valid by the caller
  }
}
