import { DownbeatError } from "@downbeat/contract/errors";

const SHORTEST = 4;
const PLACEHOLDER = "[secret]";

// One list for all copies of this package in the process: a secret that one knows must not leave through another.
const STORAGE = Symbol.for("downbeat.secrets.1");
const shared = globalThis as { [STORAGE]?: (string | RegExp)[] };
const secrets = (shared[STORAGE] ??= []);

/**
 * Keeps a value, or whatever matches a pattern, out of everything this process records from now on: log texts and
 * fields, rendered names, messages, stacks and causes of errors. It is replaced by `[secret]` before anything is sealed
 * or printed. A value is also found URI-encoded. What is a pattern's match, or how a value was cut up before, is not known.
 *
 * @returns What it was given.
 * @example
 * const token = secret(readToken());
 * secret(/sk-[A-Za-z0-9]{20,}/);
 * @throws DownbeatError `definition_invalid` for a value of less than four characters: it would be found everywhere.
 */
export function secret<T extends string | RegExp>(value: T): T {
  if (typeof value !== "string") remember(new RegExp(value.source, globalFlags(value)));
  else if (value.length >= SHORTEST) {
    remember(value);
    if (encodeURIComponent(value) !== value) remember(encodeURIComponent(value));
  } else if (value !== "") {
    throw new DownbeatError("definition_invalid", {
      message: `secret() was given ${value.length} characters; it takes ${SHORTEST} or more`,
    });
  }
  return value;
}

/** The text without the secrets this process was told of. */
export function withoutSecrets(text: string): string {
  return secrets.reduce<string>((kept, it) => kept.replaceAll(it, PLACEHOLDER), text);
}

// Longer ones first: one secret may be part of another.
function remember(it: string | RegExp): void {
  if (secrets.some((known) => String(known) === String(it))) return;
  secrets.push(it);
  secrets.sort((one, other) => lengthOf(other) - lengthOf(one));
}

function lengthOf(it: string | RegExp): number {
  return typeof it === "string" ? it.length : Number.POSITIVE_INFINITY;
}

function globalFlags({ flags }: RegExp): string {
  return flags.includes("g") ? flags : `${flags}g`;
}
