import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { DownbeatError } from "@downbeat/contract";

/** The streams that are being answered: whose connections they have, and how they end before their time. */
export class OpenStreams {
  readonly #open = new Map<Socket, AbortController>();
  #isClosing = false;

  /** Counts a stream in. The signal aborts when the caller hangs up and when {@link close} is called, each with its reason. */
  begin(response: ServerResponse): AbortSignal {
    const ending = new AbortController();
    const { socket } = response;
    if (socket !== null) this.#open.set(socket, ending);
    response.once("close", () => {
      if (socket !== null) this.#open.delete(socket);
      ending.abort(new Error("The caller hung up."));
    });
    if (this.#isClosing) ending.abort(closing());
    return ending.signal;
  }

  has(socket: unknown): boolean {
    return this.#open.has(socket as Socket);
  }

  /** Lets every stream end after what it is just writing, and later ones at once. */
  close(): void {
    this.#isClosing = true;
    for (const ending of this.#open.values()) ending.abort(closing());
  }
}

function closing(): DownbeatError {
  const message = "The API is being stopped; the stream can go on with another process.";
  return new DownbeatError("unavailable", { message, retryAfterSeconds: 1 });
}
