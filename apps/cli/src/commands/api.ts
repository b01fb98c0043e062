import { Command } from "commander";
import { text as readAll } from "node:stream/consumers";
import type { TransportResponse } from "@downbeat/client";
import { DownbeatError, type ErrorCode } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";

type Options = { body?: string };

export function apiCommand(): Command {
  return new Command("api")
    .argument("<method>", "GET, POST, PUT, PATCH or DELETE")
    .argument("<path>", "path with query, such as /v1/runs?limit=5")
    .description("call the API with the profile's credentials and print the JSON it answers")
    .option("--body <source>", "the request body: JSON, or - for stdin")
    .action(action(callApi));
}

async function callApi(
  context: CliContext,
  { body }: Options,
  method: string,
  path: string,
): Promise<void> {
  // "@elsewhere" after the origin would be a host, and be sent the credentials.
  if (!path.startsWith("/"))
    throw new DownbeatError("usage_invalid", {
      message: `"${path}" is not a path of the API; it begins with a slash, like /v1/runs?limit=5.`,
    });
  const text = body === "-" ? await readAll(process.stdin) : body;
  const answer = await send(context, { method: method.toUpperCase(), path, body: text });
  context.output.line(prettyJson(answer.text));
  if (answer.status < 400) return;
  throw new DownbeatError(codeOf(answer.status), {
    message: `${method.toUpperCase()} ${path} answered ${answer.status}.`,
  });
}

type Request = { method: string; path: string; body: string | undefined };

async function send(context: CliContext, request: Request): Promise<TransportResponse> {
  const { client, profile } = await context.connect();
  const { createUndiciTransport } = await import("@downbeat/client");
  const { accessToken } = await client.call("exchangeToken", {
    body: { grant: "api_key", apiKey: profile.apiKey },
  });
  const connection = createUndiciTransport(profile.apiUrl);
  const contentType = request.body === undefined ? {} : { "content-type": "application/json" };
  const headers = { authorization: `Bearer ${accessToken}`, ...contentType };
  try {
    return await connection.transport({ ...request, headers, signal: undefined });
  } finally {
    await connection.close();
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return "not_found";
  if (status === 401) return "credentials_invalid";
  return status === 403 ? "role_insufficient" : "validation_failed";
}

function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // not every answer is JSON (/docs is a page): print it as it came
  }
}
