import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

type Connection = { readonly caller: Socket; readonly upstream: Socket };

/**
 * Carries bytes between callers and API as they come, and breaks the connections that are open when it is told to. Unlike the
 * fault proxy, which waits for a call to be whole, it lets both directions of a stream run.
 */
export class ConnectionProxy {
  readonly #server: Server;
  readonly #open = new Set<Connection>();

  private constructor(upstreamPort: number) {
    this.#server = createServer((caller) => {
      const upstream = connect(upstreamPort, "127.0.0.1");
      this.#carry({ caller, upstream });
    });
  }

  /** @param upstreamPort on this machine; nobody need be there yet, or always */
  static async start(upstreamPort: number): Promise<ConnectionProxy> {
    const proxy = new ConnectionProxy(upstreamPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets every connection, with all that is on its way in either direction. */
  reset(): void {
    for (const { caller, upstream } of this.#open) {
      caller.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  }

  /** Passes on half of what comes next over each connection, from either side, and hangs up: a line is cut in two. */
  halve(): void {
    for (const { caller, upstream } of this.#open) {
      halveNext(caller, upstream);
      halveNext(upstream, caller);
    }
  }

  /** Throws away all further answers over the connections that are open, while what is sent still arrives. */
  loseAnswers(): void {
    for (const { caller, upstream } of this.#open) {
      upstream.unpipe(caller);
      upstream.resume();
    }
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, "close");
  }

  #carry(connection: Connection): void {
    const { caller, upstream } = connection;
    this.#open.add(connection);
    caller.pipe(upstream);
    upstream.pipe(caller);
    const end = (): void => {
      this.#open.delete(connection);
      caller.destroy();
      upstream.destroy();
    };
    for (const socket of [caller, upstream]) {
      socket.on("error", () => {}); // `close` follows
      socket.once("close", end);
    }
  }
}

function halveNext(from: Socket, to: Socket): void {
  from.unpipe(to);
  from.once("data", (bytes: Buffer) => {
    from.pause();
    to.end(bytes.subarray(0, bytes.length / 2), () => from.destroy());
  });
  from.resume();
}
