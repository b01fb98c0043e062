import { Agent, request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { json } from "node:stream/consumers";

export type BareRun = { readonly id?: string | undefined };

/** Calls of a bare plane over one kept connection. */
export class BareCaller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async call(path: string, body: BareRun): Promise<BareRun> {
    const text = JSON.stringify(body);
    const asked = request({
      host: "127.0.0.1",
      port: this.#port,
      agent: this.#agent,
      method: "POST",
      path,
      headers: { "content-type": "application/json", "content-length": text.length },
    });
    asked.end(text);
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return (await json(answer)) as BareRun;
  }
}
