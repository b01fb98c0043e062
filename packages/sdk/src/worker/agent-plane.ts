import { DownbeatError, isErrorCode } from "@downbeat/contract/errors";
import { uuidv7 } from "uuidv7";
import type {
  RemotePlane,
  RunStatus,
  TriggerAnswer,
  TriggerRequest,
} from "../remote/remote-plane.ts";
import type { AgentChannel } from "./flow-worker.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { RemoteAnswerMessage, RemoteCall } from "./messages.ts";

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/**
 * The plane as code in an agent's worker reaches it: through the agent, which alone has credentials and a connection. What
 * is triggered here becomes a child of the run. While the plane is away the agent asks on, as long as the run lives.
 */
export class AgentPlane implements RemotePlane {
  readonly #channel: AgentChannel;
  readonly #runId: string;
  readonly #keepAlive: KeepAlive;
  readonly #waiting = new Map<string, Waiting>();

  constructor(channel: AgentChannel, runId: string, keepAlive: KeepAlive) {
    this.#channel = channel;
    this.#runId = runId;
    this.#keepAlive = keepAlive;
  }

  async trigger(
    requests: readonly TriggerRequest[],
    signal?: AbortSignal,
  ): Promise<readonly TriggerAnswer[]> {
    return (await this.#ask({ kind: "trigger", requests }, signal)) as readonly TriggerAnswer[];
  }

  async read(runIds: readonly string[], signal?: AbortSignal): Promise<readonly RunStatus[]> {
    return (await this.#ask({ kind: "read", runIds }, signal)) as readonly RunStatus[];
  }

  /** Takes the agent's answer; one that nobody waits for any more is forgotten. */
  answer({ requestId, value, refusal }: RemoteAnswerMessage): void {
    const waiting = this.#waiting.get(requestId);
    if (refusal === undefined) return waiting?.resolve(value);
    const code = isErrorCode(refusal.code) ? refusal.code : "response_invalid";
    waiting?.reject(new DownbeatError(code, { message: refusal.message }));
  }

  async #ask(call: RemoteCall, signal: AbortSignal | undefined): Promise<unknown> {
    signal?.throwIfAborted();
    const requestId = uuidv7();
    const letGo = this.#keepAlive.hold();
    let onAbort = (): void => {};
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(requestId, { resolve, reject });
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener("abort", onAbort, { once: true });
        this.#channel.send({ type: "remote_call", runId: this.#runId, requestId, call });
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(requestId);
      letGo();
    }
  }
}
