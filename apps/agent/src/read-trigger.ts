import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { DownbeatError, Name } from "@downbeat/contract";
import type { RemoteCall } from "@downbeat/sdk/protocol";

/** A run as it is asked for, its parameters in clear. */
export type TriggerRequest = Extract<RemoteCall, { kind: "trigger" }>["requests"][number];

// What fits into sealed parameters: 768 KiB of base64.
const LARGEST_BODY_BYTES = 512 * 1024;
const LONGEST_KEY = 1_000;

/**
 * Reads a trigger from an HTTP request.
 *
 * `/run/…` takes a JSON object as parameters. `/hook/…` takes anything and makes the parameters `{ body, headers }` of it:
 * the body as text, exactly as it came, so that the flow can check the sender's signature over it.
 *
 * @throws DownbeatError with a code that has an HTTP status; nothing of the body is quoted
 */
export async function readTrigger(
  request: IncomingMessage,
  token: string | undefined,
): Promise<TriggerRequest> {
  const url = new URL(request.url ?? "/", "http://agent");
  const [kind, flowName, deploymentName = "default", ...rest] = pathOf(url);
  const isKnown = (kind === "run" || kind === "hook") && rest.length === 0;
  if (request.method !== "POST" || !isKnown || !isName(flowName) || !isName(deploymentName)) {
    throw new DownbeatError("not_found", {
      message: "Triggers are POST /run/FLOW, /run/FLOW/DEPLOYMENT, or /hook in place of /run.",
    });
  }
  requireToken(request, token);
  const isJson = /^application\/json\b/i.test(request.headers["content-type"] ?? "");
  // A page in some browser can send plain text anywhere, but JSON only where it is let.
  if (kind === "run" && !isJson) throw malformed("The content-type must be application/json.");
  const body = await readBody(request);
  const idempotencyKey = keyOf(request);
  return {
    flowName,
    deploymentName,
    parameters: kind === "run" ? parseObject(body) : { body, headers: headersOf(request) },
    tags: [],
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

function pathOf(url: URL): string[] {
  try {
    return url.pathname.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return []; // a % that encodes nothing: no such path
  }
}

function isName(text: string | undefined): text is string {
  return Name.safeParse(text).success;
}

function requireToken(request: IncomingMessage, token: string | undefined): void {
  if (token === undefined) return;
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (given === undefined) throw new DownbeatError("credentials_missing");
  // Hashes have one length, and comparing them takes one time.
  const hash = (text: string) => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(hash(given), hash(token))) throw new DownbeatError("credentials_invalid");
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > LARGEST_BODY_BYTES) {
      throw new DownbeatError("payload_too_large", {
        message: `A trigger may have ${LARGEST_BODY_BYTES} bytes.`,
      });
    }
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw malformed("The body is not UTF-8.");
  }
}

function parseObject(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = body === "" ? {} : JSON.parse(body);
  } catch {
    throw malformed("The body is not valid JSON."); // without the cause: it quotes the body
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw malformed("The body is not a JSON object.");
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const { authorization: _, ...headers } = request.headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
  );
}

function keyOf(request: IncomingMessage): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && key.length > 0 && key.length <= LONGEST_KEY) return key;
  throw new DownbeatError("validation_failed", {
    message: `The Idempotency-Key must have 1 to ${LONGEST_KEY} characters.`,
  });
}

function malformed(message: string): DownbeatError {
  return new DownbeatError("body_malformed", { message });
}
