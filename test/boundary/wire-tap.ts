import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP proxy that keeps every byte that passes, in both directions: what really is on the wire. */
export class WireTap {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** One list per connection and direction, so that no message is torn apart by another. */
  #streams: Buffer[][] = [];

  private constructor(upstreamPort: number) {
    this.#server = createServer((customer) => {
      const plane = connect(upstreamPort, "127.0.0.1");
      this.#carry(customer, plane);
      this.#carry(plane, customer);
    });
  }

  static async start(upstreamPort: number): Promise<WireTap> {
    const tap = new WireTap(upstreamPort);
    tap.#server.listen(0, "127.0.0.1");
    await once(tap.#server, "listening");
    return tap;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every byte so far. */
  bytes(): Buffer {
    return Buffer.concat(this.#streams.map((chunks) => Buffer.concat(chunks)));
  }

  forget(): void {
    // Connections that live on go on in lists of their own.
    for (const chunks of this.#streams) chunks.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #carry(from: Socket, to: Socket): void {
    const chunks: Buffer[] = [];
    this.#streams.push(chunks);
    this.#sockets.add(from);
    from.on("data", (chunk) => {
      chunks.push(chunk);
      to.write(chunk);
    });
    from.on("end", () => to.end());
    // Either side may vanish; the other must notice.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
