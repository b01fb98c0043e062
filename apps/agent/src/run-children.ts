import type { Caller } from "@downbeat/client";
import {
  DownbeatError,
  Instant,
  isDownbeatError,
  Name,
  RunIds,
  Tags,
  TRACEPARENT,
  BATCH_LIMIT,
} from "@downbeat/contract";
import {
  answerAll,
  runStatusOf,
  type Fence,
  type RemoteCall,
  type TriggerMaker,
} from "@downbeat/sdk/protocol";
import { z } from "zod";
import type { RemoteCallRequest } from "./launchers/worker-process.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";
import { RunOver } from "./run-over.ts";

export type ChildParts = {
  readonly client: Pick<Caller, "call">;
  readonly watch: PlaneWatch;
  /** Seals what children are given. */
  readonly triggers: Pick<TriggerMaker, "makeAll">;
};

type RunSide = {
  readonly lease: Fence;
  readonly answer: (requestId: string, answer: RemoteAnswer) => void;
};

export type RemoteAnswer =
  | { readonly value: unknown }
  | { readonly refusal: { readonly code: string; readonly message: string } };

// User code shares the worker's process and can ask for anything.
const Call = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("trigger"),
    requests: z
      .array(
        // Whose children they are follows from the lease, whatever else is said here.
        z.object({
          flowName: Name,
          deploymentName: Name,
          parameters: z.record(z.string(), z.json()),
          tags: Tags,
          scheduledFor: Instant.optional(),
          runId: z.uuid({ version: "v7" }).optional(),
          idempotencyKey: z.string().min(1).max(1_000).optional(),
          traceparent: z.string().regex(TRACEPARENT).optional(),
        }),
      )
      .min(1)
      .max(BATCH_LIMIT),
  }),
  z.strictObject({ kind: z.literal("read"), runIds: RunIds }),
]);

/**
 * Triggers and reads runs for code in one run, under its lease: the API takes only children of a run that this agent holds.
 * While the plane is away it asks on, as long as the run lives.
 */
export class RunChildren {
  readonly #parts: ChildParts;
  readonly #run: RunSide;
  readonly #over = new RunOver();

  constructor(parts: ChildParts, run: RunSide) {
    this.#parts = parts;
    this.#run = run;
  }

  /** Answers one call of the worker. Never rejects: what goes wrong is the answer. */
  async handle({ requestId, call }: RemoteCallRequest): Promise<void> {
    const answer = await this.#perform(call).then(
      (value) => ({ value }),
      (error: unknown) => ({ refusal: refusalOf(error) }),
    );
    if (!this.#over.isOver) this.#run.answer(requestId, answer);
  }

  /** The run is over. */
  close(): void {
    this.#over.end();
  }

  async #perform(raw: unknown): Promise<unknown> {
    const parsed = Call.safeParse(raw);
    if (!parsed.success)
      throw new DownbeatError("usage_invalid", { message: z.prettifyError(parsed.error) });
    const call = parsed.data as RemoteCall;
    return call.kind === "read" ? this.#read(call.runIds) : this.#trigger(call.requests);
  }

  async #read(runIds: readonly string[]): Promise<unknown> {
    const body = { ...this.#fence(), runIds: [...runIds] };
    const { items } = await this.#insist(() => this.#parts.client.call("readChildren", { body }));
    return items.map(runStatusOf);
  }

  async #trigger(requests: Extract<RemoteCall, { kind: "trigger" }>["requests"]): Promise<unknown> {
    const { client, triggers } = this.#parts;
    const made = await this.#insist(() => triggers.makeAll(requests));
    return answerAll(made, async (specs) => {
      const body = { ...this.#fence(), runs: [...specs] };
      return (await this.#insist(() => client.call("triggerChildren", { body }))).outcomes;
    });
  }

  #insist<T>(call: () => Promise<T>): Promise<T> {
    const { watch } = this.#parts;
    const failure = "runs that a flow triggers wait";
    return retrying(call, { watch, failure, signal: this.#over.signal });
  }

  #fence(): { runId: string; epoch: number; leaseToken: string } {
    const { runId, epoch, leaseToken } = this.#run.lease;
    return { runId, epoch, leaseToken };
  }
}

function refusalOf(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: isDownbeatError(error) ? error.code : "internal", message };
}
