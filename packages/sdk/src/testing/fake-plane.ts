import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ROUTES } from "@downbeat/contract";
import type { ReportItem, StandaloneRequest, WrappedDataKey } from "@downbeat/contract";

const LEASE = {
  sessionId: "0198c0de-0000-7000-8000-000000000001",
  runId: "0198c0de-0000-7000-8000-000000000002",
  epoch: 1,
  leaseToken: "ab".repeat(16),
};

/** The few routes a plain script meets, on a real port, each body checked against the contract. */
export class FakePlane {
  readonly opened: StandaloneRequest[] = [];
  readonly items: ReportItem[] = [];
  readonly calls: string[] = [];
  heartbeatSeconds = 15;
  cancelRequested = false;
  readonly lease = LEASE;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
        const status = request.url === "/v1/runs/standalone" ? 201 : 200;
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(this.#answer(request.url ?? "", body)));
      });
    });
  }

  static async start(): Promise<FakePlane> {
    const plane = new FakePlane();
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    return plane;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get dataKeys(): WrappedDataKey[] {
    return this.opened.flatMap(({ dataKeys }) => dataKeys);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(url: string, body: unknown): unknown {
    this.calls.push(url);
    switch (url) {
      case "/v1/auth/token":
        return { accessToken: "token", expiresInSeconds: 600 };
      case "/v1/runs/standalone":
        this.opened.push(ROUTES.openStandaloneRun.body.parse(body));
        return { ...LEASE, intervals: this.#intervals() };
      case "/v1/agent/report":
        return this.#report(ROUTES.report.body.parse(body).items);
      case "/v1/agent/heartbeat":
        ROUTES.heartbeat.body.parse(body);
        return {
          cancel: this.cancelRequested ? [LEASE.runId] : [],
          fenced: [],
          drain: false,
          intervals: this.#intervals(),
        };
      default:
        return { released: 0 };
    }
  }

  #report(items: ReportItem[]): unknown {
    this.items.push(...items);
    return { outcomes: items.map(() => ({ status: "accepted" })) };
  }

  #intervals() {
    return {
      leaseSeconds: 45,
      heartbeatSeconds: this.heartbeatSeconds,
      reconnectWindowSeconds: 300,
      claimHoldSeconds: 25,
    };
  }
}
