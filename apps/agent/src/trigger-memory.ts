import { DownbeatError, type Lease } from "@downbeat/contract";
import type { StatedInput } from "@downbeat/sdk/protocol";
import { z } from "zod";
import type { Store, StoreOperation } from "./store.ts";

/** What the agent remembers of a signed trigger until it expires. */
const Remembered = z.object({
  runId: z.string(),
  /** The highest of which a lease was taken. */
  epoch: z.number(),
  /** Seconds since 1970. */
  exp: z.number(),
  completed: z.boolean(),
  /** By pause point: the digest of the signed input that counted first. */
  inputs: z.record(z.string(), z.string()).default({}),
});
type Remembered = z.infer<typeof Remembered>;

/** A trigger that was verified: its name, and until when it counts (seconds since 1970). */
export type VerifiedTrigger = { readonly name: string; readonly exp: number };

const PREFIX = "trigger!";
const PREFIX_END = 'trigger"';
const PAGE = 1_000;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * Remembers on disk which signed triggers this agent has run, so that none makes a second run, one that has completed is
 * not run again, and no lease is taken twice, also after a restart. Expired ones are forgotten: they are refused anyway.
 */
export class TriggerMemory {
  readonly #store: Store;
  readonly #now: () => Date;
  /** Those that are being written or are under way; a look at the disk would not show them, or not in time. */
  readonly #recent = new Map<string, Remembered>();
  readonly #nameOf = new Map<string, string>();
  #prunedAtMs = 0;

  constructor({ store, now }: { store: Store; now: () => Date }) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Takes note of a lease of a run of that trigger; it is on disk when this resolves.
   *
   * @throws DownbeatError `signature_refused` when the trigger has been used up
   */
  async admit({ runId, epoch }: Lease, { name, exp }: VerifiedTrigger): Promise<void> {
    await this.#prune();
    const onDisk = this.#recent.has(name) ? undefined : await this.#read(name);
    const standing = this.#recent.get(name) ?? onDisk; // another lease may have come in the meantime
    const flaw = standing === undefined ? undefined : flawOf({ runId, epoch }, standing);
    if (flaw !== undefined) throw refused(flaw);
    const inputs = standing?.inputs ?? {};
    const remembered = { runId, epoch, exp, completed: false, inputs };
    this.#recent.set(name, remembered);
    this.#nameOf.set(runId, name);
    await this.#store.write([put(name, remembered)]);
  }

  /** The first signed input of a pause point, by digest, of a run that was admitted; on disk when this resolves. */
  async firstInput({ runId, point, digest }: StatedInput): Promise<string> {
    const name = this.#nameOf.get(runId);
    const remembered = name === undefined ? undefined : this.#recent.get(name);
    // Of a run that is tolerated, not admitted, nothing is remembered.
    if (name === undefined || remembered === undefined) return digest;
    const first = new Map(Object.entries(remembered.inputs)).get(point);
    if (first !== undefined) return first;
    const noted = { ...remembered, inputs: { ...remembered.inputs, [point]: digest } };
    this.#recent.set(name, noted);
    await this.#store.write([put(name, noted)]);
    return digest;
  }

  /** To be written together with the run's last report. */
  ended({ runId }: Pick<Lease, "runId">, { completed }: { completed: boolean }): StoreOperation[] {
    const name = this.#nameOf.get(runId);
    const remembered = name === undefined ? undefined : this.#recent.get(name);
    if (name === undefined || remembered === undefined || !completed) return [];
    this.#recent.set(name, { ...remembered, completed });
    return [put(name, { ...remembered, completed })];
  }

  /** The lease is over here, and what there was to write is on disk. */
  forget({ runId, epoch }: Pick<Lease, "runId" | "epoch">): void {
    const name = this.#nameOf.get(runId);
    if (name === undefined || this.#recent.get(name)?.epoch !== epoch) return;
    this.#recent.delete(name);
    this.#nameOf.delete(runId);
  }

  async #read(name: string): Promise<Remembered | undefined> {
    const text = await this.#store.get(PREFIX + name);
    return text === undefined ? undefined : Remembered.parse(JSON.parse(text));
  }

  async #prune(): Promise<void> {
    const nowMs = this.#now().getTime();
    if (nowMs - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = nowMs;
    for (let from = PREFIX; ;) {
      const found = await this.#store.entries({ gte: from, lt: PREFIX_END, limit: PAGE });
      const expired = found.filter(([, text]) => isExpired(text, nowMs));
      await this.#store.writeLoosely(expired.map(([key]) => ({ type: "del", key })));
      if (found.length < PAGE) return;
      from = `${found.at(-1)?.[0] ?? ""}\0`;
    }
  }
}

// Kept a while longer than it counts: clocks differ, and may be set back.
const KEPT_AFTER_MS = 24 * 3_600_000;

function isExpired(text: string, nowMs: number): boolean {
  return Remembered.parse(JSON.parse(text)).exp * 1000 + KEPT_AFTER_MS < nowMs;
}

function flawOf(
  { runId, epoch }: Pick<Lease, "runId" | "epoch">,
  standing: Remembered,
): string | undefined {
  if (standing.runId !== runId) return `it was used before, for the run ${standing.runId}`;
  if (standing.completed) return "its run has completed here before";
  return epoch > standing.epoch
    ? undefined
    : `its lease ${epoch} was taken here before (up to ${standing.epoch})`;
}

function put(name: string, remembered: Remembered): StoreOperation {
  return { type: "put", key: PREFIX + name, value: JSON.stringify(remembered) };
}

function refused(why: string): DownbeatError {
  return new DownbeatError("signature_refused", {
    message: `The signed trigger is used up: ${why}. Trigger the deployment anew.`,
  });
}
