import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { LINES_MEDIA_TYPE, ROUTES, type RouteResponse } from "@downbeat/contract";

export type StreamedLine = RouteResponse<typeof ROUTES.createRunStream>;

/** A stream whose two directions the test holds in its own hands. */
export type OpenStream = {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  /** Sends text as it is. */
  readonly write: (text: string | Buffer) => void;
  /** The next line of the answer; undefined at its end. */
  readonly next: () => Promise<StreamedLine | undefined>;
  /** All further lines to the end of the answer. */
  readonly rest: () => Promise<StreamedLine[]>;
};

/** Begins to create runs by stream, and waits for the answer to begin. */
export async function openStream(url: string, token: string): Promise<OpenStream> {
  const asked = request(url + ROUTES.createRunStream.path, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": LINES_MEDIA_TYPE },
  });
  asked.on("error", () => {}); // cut off by whichever side the test lets do so
  asked.flushHeaders();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The answer was ${response.statusCode}.`);
  const lines = linesOf(response);
  const next = async () => (await lines.next()).value as StreamedLine | undefined;
  return {
    request: asked,
    response,
    write: (text) => void asked.write(text),
    next,
    rest: async () => {
      const all: StreamedLine[] = [];
      for (let line = await next(); line !== undefined; line = await next()) all.push(line);
      return all;
    },
  };
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<StreamedLine> {
  let begun = "";
  for await (const chunk of response) {
    const parts = (begun + String(chunk)).split("\n");
    begun = parts.pop() ?? "";
    for (const part of parts) yield JSON.parse(part) as StreamedLine;
  }
}
