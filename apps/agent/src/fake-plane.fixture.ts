import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ROUTES,
  type Lease,
  type ReportItem,
  type ReportOutcome,
  type RouteName,
  type RouteSpec,
  type RunInput,
  type TransitionItem,
  type WorkspacePublicKey,
  type WrappedDataKey,
} from "@downbeat/contract";
import { claimedOf } from "./claimed-leases.fixture.ts";
import { GivenInputs } from "./given-inputs.fixture.ts";
import { ENROLMENT_TOKEN, problem, send } from "./fake-answer.fixture.ts";
import { routeOf } from "./fake-route.fixture.ts";
import { applyReport, emptyRun, type FakeRun } from "./fake-report.fixture.ts";

export type FakePlaneOptions = {
  readonly workspaceId: string;
  readonly key: WorkspacePublicKey;
  readonly claimHoldSeconds?: number;
};

type Behaviour = "answer" | "drop-request" | "drop-response" | "fail";

/**
 * The agent protocol over real HTTP, in memory: requests are checked against the contract, leases are fenced,
 * transitions are idempotent. Tests make it misbehave with {@link behave}.
 */
export class FakePlane {
  readonly runs = new Map<string, FakeRun>();
  readonly dataKeys = new Map<string, WrappedDataKey>();
  readonly calls: { name: RouteName; body: Record<string, unknown> }[] = [];
  readonly endedSessionIds: string[] = [];
  readonly cancelRequested = new Set<string>();
  readonly fenced = new Set<string>();
  readonly limitedTags: string[] = [];
  readonly #inputs = new GivenInputs();
  /** Every transition stored for the first time, in order of arrival. */
  readonly accepted: TransitionItem[] = [];
  /** Items that the plane answers 500 to, with all that came in their batch. */
  failsOn: (item: ReportItem) => boolean = () => false;
  /** Decides what happens to each request. */
  behave: (name: RouteName, count: number) => Behaviour = () => "answer";
  readonly #options: FakePlaneOptions;
  readonly #server: Server;
  readonly #counts = new Map<RouteName, number>();
  readonly #queue: FakeRun[] = [];
  readonly #sessions = new Set<string>();
  #wakeClaims: (() => void)[] = [];

  private constructor(options: FakePlaneOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: FakePlaneOptions): Promise<FakePlane> {
    const plane = new FakePlane(options);
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    return plane;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const wake of this.#wakeClaims.splice(0)) wake();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Makes a run claimable. */
  offer(
    lease: Pick<Lease, "flowName" | "entrypoint" | "defaultParameters" | "parameters"> &
      Partial<Lease>,
  ): FakeRun {
    const leaseToken = randomUUID().replaceAll("-", "");
    const fixed = {
      runId: randomUUID(),
      epoch: 1,
      leaseToken,
      contentHash: "0".repeat(64),
      deploymentName: "default",
      deploymentSignature: null,
      signature: null,
      timeoutSeconds: null,
      exclusive: false,
      inputs: [],
      resultsFrom: 0,
      limitedTags: this.limitedTags,
    };
    const run: FakeRun = { ...emptyRun(), lease: { ...fixed, ...lease } };
    this.runs.set(run.lease.runId, run);
    this.#queue.push(run);
    this.#wake();
    return run;
  }

  /** Hands out a lease once more, as no honest plane would. */
  offerAgain({ lease }: FakeRun, over: Partial<Lease> = {}): void {
    const again = { ...lease, ...over };
    this.#queue.push({ ...emptyRun(), lease: again });
    this.#wake();
  }

  get workspaceKey(): WorkspacePublicKey {
    return this.#options.key;
  }

  requestCancel(run: FakeRun): void {
    run.type = "CANCELLING";
    this.cancelRequested.add(run.lease.runId);
    this.#wake();
  }

  /** What a paused run's process is to hear of. */
  give({ lease }: FakeRun, given: RunInput): void {
    this.#inputs.give(lease.runId, given);
    this.#wake();
  }

  endSessions(): void {
    this.#sessions.clear();
  }

  bodies(name: RouteName): Record<string, unknown>[] {
    return this.calls.filter((call) => call.name === name).map(({ body }) => body);
  }

  /** What is answered to a request for slots; grants them all unless a test replaces it. */
  grantSlots: (body: Record<string, unknown>) => object = () => ({
    granted: true,
    waitSeconds: null,
    unknown: [],
  });

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "", "http://plane");
    const name = routeOf(request.method ?? "", url.pathname);
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const behaviour = this.behave(name, count);
    if (behaviour === "drop-request") return void request.socket.destroy();
    if (behaviour === "fail") return send(response, 503, problem("unavailable"));
    const spec: RouteSpec = ROUTES[name];
    const text = Buffer.concat(chunks).toString();
    const body = spec.body?.safeParse(text === "" ? undefined : JSON.parse(text));
    if (body?.success === false)
      return send(response, 400, { ...problem("validation_failed"), message: body.error.message });
    const data = (body?.data ?? {}) as Record<string, unknown>;
    this.calls.push({ name, body: data });
    if (name === "report" && (data["items"] as ReportItem[]).some(this.failsOn))
      return send(response, 500, problem("internal"));
    const [status, answer] = await this.#answer(name, data, url);
    if (behaviour === "drop-response") return void request.socket.destroy();
    send(response, status, answer);
  }

  async #answer(
    name: RouteName,
    body: Record<string, unknown>,
    url: URL,
  ): Promise<[number, unknown]> {
    switch (name) {
      case "exchangeToken":
        return [200, { accessToken: "token", expiresInSeconds: 600 }];
      case "whoAmI":
        return [
          200,
          { kind: "agent", id: randomUUID(), role: "agent", workspace: this.#workspace() },
        ];
      case "createEnrolmentToken":
        return [201, ENROLMENT_TOKEN];
      case "enrolAgent":
        return [201, this.#enrolled()];
      case "openSession":
        return [201, this.#openSession(body)];
      case "readDataKeys":
        return [
          200,
          {
            dataKeys: (url.searchParams.get("ids") ?? "")
              .split(",")
              .flatMap((id) => this.dataKeys.get(id) ?? []),
          },
        ];
      case "claim":
        return this.#inSession(body, await this.#claim(body));
      case "report":
        return [
          200,
          { outcomes: (body["items"] as ReportItem[]).map((item) => this.#report(item)) },
        ];
      case "heartbeat":
        return this.#inSession(body, this.#heartbeat(body));
      case "release":
        for (const { runId } of body["runs"] as { runId: string }[]) this.#requeue(runId);
        return [200, { released: (body["runs"] as unknown[]).length }];
      case "acquireSlots":
        return [200, this.grantSlots(body)];
      case "releaseSlots":
        return [200, { released: 1 }];
      default:
        return [404, problem("not_found")];
    }
  }

  #enrolled(): object {
    return { agentId: randomUUID(), workspaceId: this.#options.workspaceId, poolName: "default" };
  }

  #workspace(): object {
    const { keyId, publicJwk } = this.#options.key;
    return {
      id: this.#options.workspaceId,
      name: "test",
      key: { keyId, publicJwk },
      createdAt: "2026-01-01T00:00:00Z",
    };
  }

  #openSession(body: Record<string, unknown>): object {
    const sessionId = randomUUID();
    this.#sessions.add(sessionId);
    for (const dataKey of body["dataKeys"] as WrappedDataKey[])
      this.dataKeys.set(dataKey.id, dataKey);
    this.endedSessionIds.push(...(body["endedSessionIds"] as string[]));
    return { sessionId, epoch: 1, intervals: this.#intervals() };
  }

  #intervals(): object {
    const claimHoldSeconds = this.#options.claimHoldSeconds ?? 20;
    return {
      leaseSeconds: 45,
      heartbeatSeconds: 15,
      reconnectWindowSeconds: 300,
      claimHoldSeconds,
    };
  }

  #inSession(body: Record<string, unknown>, answer: object): [number, unknown] {
    if (this.#sessions.has(String(body["sessionId"]))) return [200, answer];
    return [409, problem("session_ended")];
  }

  async #claim(body: Record<string, unknown>): Promise<object> {
    if (!this.#sessions.has(String(body["sessionId"]))) return {};
    if (this.#queue.length === 0) await this.#nextWake(Number(body["waitSeconds"]) * 1000);
    const taken = this.#queue.splice(0, Number(body["max"]));
    for (const run of taken) [run.type, run.name] = ["PENDING", "Pending"];
    return { ...claimedOf(taken.map(({ lease }) => lease)), drain: false };
  }

  #nextWake(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakeClaims.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#wakeClaims.splice(0)) wake();
  }

  #requeue(runId: string): void {
    const run = this.runs.get(runId);
    if (run === undefined || run.type !== "PENDING") return;
    [run.type, run.name] = ["SCHEDULED", "Scheduled"];
    this.#queue.push(run);
  }

  #report(item: ReportItem): ReportOutcome {
    const run = this.fenced.has(item.runId) ? undefined : this.runs.get(item.runId);
    return applyReport(run, item, (transition) => this.accepted.push(transition));
  }

  #heartbeat(body: Record<string, unknown>): object {
    const held = (body["runs"] as { runId: string }[]).map(({ runId }) => runId);
    const cancel = held.filter((runId) => this.cancelRequested.has(runId));
    return {
      cancel,
      fenced: held.filter((runId) => this.fenced.has(runId)),
      inputs: this.#inputs.for(body["runs"] as { runId: string; awaits?: string }[]),
      drain: false,
      intervals: this.#intervals(),
    };
  }
}
