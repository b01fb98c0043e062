import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { LastLine } from "@downbeat/contract";
import type { ProblemAnswer } from "../problem.ts";
import { LineInbox, type LineInboxOptions } from "./line-inbox.ts";

/** How long the caller may take to read the last line, while what it still sends is thrown away. */
const LAST_LINE_MS = 2_000;

export type Exchange<Item> = {
  readonly body: Readable;
  readonly response: ServerResponse;
  readonly inbox: LineInboxOptions<Item>;
  /** Answers each of some lines, in order. What it throws ends the stream. */
  readonly answer: (items: readonly Item[]) => Promise<readonly unknown[]>;
  /** Words what the stream ends with before its time. */
  readonly describe: (error: unknown) => ProblemAnswer;
};

/**
 * Answers lines while they are being read: the next batch is answered once the answers to the one before are on their way, so
 * whoever reads slowly is read from slowly. Never rejects: what fails becomes the last line.
 */
export async function answerLines<Item>(exchange: Exchange<Item>): Promise<void> {
  const { body, response, inbox: options, answer, describe } = exchange;
  const inbox = new LineInbox(body, options);
  try {
    for (let items = await inbox.take(); items !== undefined; items = await inbox.take())
      await send(response, await answer(items), options.signal);
    response.end();
  } catch (error) {
    if (response.destroyed || isCutOff(body)) return void response.destroy();
    response.end(textOf([lastLine(describe(error))]));
    endSoon(body, response);
    inbox.discard();
  }
}

async function send(
  response: ServerResponse,
  lines: readonly unknown[],
  signal: AbortSignal,
): Promise<void> {
  if (response.destroyed) throw new Error("The caller is gone.");
  if (response.write(textOf(lines))) return;
  await once(response, "drain", { signal });
}

function textOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function lastLine({ problem, retryAfterSeconds }: ProblemAnswer): LastLine {
  return { problem: { ...problem, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } };
}

// The caller broke off: nobody is there to be told.
function isCutOff(body: Readable): boolean {
  return body.destroyed && !body.readableEnded;
}

// Closed at once, the connection would be reset under a caller that is still sending, and the last line lost with it.
function endSoon(body: Readable, response: ServerResponse): void {
  const { socket } = response;
  if (body.readableEnded) return;
  const timer = setTimeout(() => socket?.destroy(), LAST_LINE_MS);
  const keep = (): void => clearTimeout(timer);
  body.once("end", keep);
  socket?.once("close", keep);
}
