import type { LogChunk, LogManifestPart, WrappedDataKey } from "@downbeat/contract";
import { createDataKey, type DataKey } from "../data-key.ts";
import { createEmptyLogTagger } from "../node/empty-log-tagger.ts";
import { sealJson, sealToPublicKey } from "../seal.ts";
import { aCustomer, aLogChunk, type Customer, type StoredLog } from "./sent-log.ts";

export const VICTIM_RUN = "0192aaaa-0000-7000-8000-00000000000a";
export const OTHER_RUN = "0192aaaa-0000-7000-8000-00000000000b";

/** What the victim's log says, line by line, as sent. */
export const VICTIM_LINES = [0, 1, 2, 3, 4].map((seq) => `a.1.${seq}`);

/**
 * What a plane that has gone over to the enemy answers instead of a log, and what a reader must then say, each in its own
 * words around these. Where `shown` is given, so many of the lines are still read; nothing else ever is.
 */
export type LogAttack = {
  readonly name: string;
  readonly answer: (scene: AttackScene) => StoredLog | Promise<StoredLog>;
  readonly says: readonly RegExp[];
  readonly shown: number;
};

/** What the plane has seen so far. */
export type AttackScene = {
  readonly customer: Customer;
  /** Five chunks of one attempt. */
  readonly log: StoredLog;
  /** The log of another run of the same customer. */
  readonly other: StoredLog;
  /** The same place of the same run, sealed a second time, since two agents were given one lease. */
  readonly twin: StoredLog;
};

export async function anAttackScene(): Promise<AttackScene> {
  const customer = await aCustomer();
  const [log, other, twin] = await Promise.all([
    customer.send(VICTIM_RUN, 1, 5),
    customer.send(OTHER_RUN, 1, 5),
    customer.send(VICTIM_RUN, 1, 7),
  ]);
  return { customer, log, other, twin };
}

const EMPTY_ALTERED = [/the list of this log's chunks was altered/];
const FORGED = [/chunk 2 (may be forged|is not the one that was sent|sealed with another key)/];

export const LOG_ATTACKS: readonly LogAttack[] = [
  attack("deletes a chunk", 4, [/chunk 2 is missing/], ({ log }) => without(log, 2)),
  attack("deletes the first chunks", 3, [/chunks 0 to 1 are missing/], ({ log }) =>
    without(log, 0, 1),
  ),
  attack("cuts off the end", 3, [/chunks 3 to 4 are missing/], ({ log }) => without(log, 3, 4)),
  attack("deletes all chunks", 0, [/chunks 0 to 4 are missing/], ({ log }) => ({
    ...log,
    chunks: [],
  })),
  attack("deletes everything", 0, [/there is no log of attempt 1/], ({ log }) => ({
    ...log,
    chunks: [],
    manifests: [],
  })),
  attack("deletes the list of chunks", 5, [/the log of attempt 1 did not end/], ({ log }) => ({
    ...log,
    manifests: [],
  })),
  attack("cuts off the end, list and all", 3, [/the log of attempt 1 did not end/], ({ log }) => ({
    ...without(log, 3, 4),
    manifests: [],
  })),
  attack("conceals a later attempt", 5, [/there is no log of attempt 2/], ({ log }) => ({
    ...log,
    epoch: 2,
  })),
  attack(
    "swaps two chunks",
    3,
    [/chunk 1 (belongs elsewhere|is not the one)/, /chunk 2 (belongs elsewhere|is not the one)/],
    ({ log }) => replaced(replaced(log, 1, blobAt(log, 2)), 2, blobAt(log, 1)),
  ),
  attack(
    "puts in a chunk of another run",
    4,
    [/chunk 2 (belongs elsewhere|is not the one)/],
    ({ log, other }) => replaced(log, 2, blobAt(other, 2)),
  ),
  attack(
    "answers with the log of another run",
    0,
    [/belongs elsewhere|is not the one/],
    ({ other }) => other,
  ),
  attack(
    "puts in a chunk of another run, without the list",
    4,
    [/chunk 2 belongs elsewhere/, /did not end/],
    ({ log, other }) => ({ ...replaced(log, 2, blobAt(other, 2)), manifests: [] }),
  ),
  attack("replays a chunk after the last", 5, [/chunk 5 (belongs|is not)/], ({ log }) => ({
    ...log,
    chunks: [...log.chunks, { ...at(log, 1), sequence: 5 }],
  })),
  attack("replays a chunk in another attempt", 5, [/chunk 0 belongs elsewhere/], ({ log }) => ({
    ...log,
    chunks: [...log.chunks, { ...at(log, 0), epoch: 2 }],
    epoch: 2,
  })),
  attack(
    "puts in what another agent said at the same place",
    4,
    [/chunk 2 is not the one that was sent/],
    ({ log, twin }) => replaced(log, 2, blobAt(twin, 2)),
  ),
  attack(
    "appends what another agent said",
    5,
    [/chunk 5 is not the one that was sent/],
    ({ log, twin }) => ({ ...log, chunks: [...log.chunks, at(twin, 5)] }),
  ),
  attack("truncates a chunk", 4, [/chunk 2 (was altered|is not)/], ({ log }) =>
    replaced(log, 2, blobAt(log, 2).slice(0, -4)),
  ),
  attack("changes the text of a chunk", 4, [/chunk 2 was altered/], ({ log }) =>
    replaced(log, 2, altered(blobAt(log, 2))),
  ),
  attack("forges a chunk with a key of its own", 4, FORGED, async ({ customer, log }) =>
    forgedChunk(log, await forgedKey(customer, null)),
  ),
  attack("forges one, with a tag it made up", 4, FORGED, async ({ customer, log }) =>
    forgedChunk(log, await forgedKey(customer, "A".repeat(43))),
  ),
  attack("forges one, with the tag of a genuine key", 4, FORGED, async ({ customer, log }) =>
    forgedChunk(log, await forgedKey(customer, customer.dataKey.wrapped.wrapTag)),
  ),
  attack("seals one straight to the public key", 4, FORGED, async ({ customer, log }) => {
    const context = { kind: "log" as "parameters", run: VICTIM_RUN, epoch: 1, seq: 2 };
    return replaced(log, 2, await sealToPublicKey(customer.publicKey, context, []));
  }),
  attack("forges one with the keys of another workspace", 4, FORGED, async ({ log }) => {
    const stranger = await aCustomer();
    const { dataKeys } = log;
    const forged = await aLogChunk(stranger.dataKey, { run: VICTIM_RUN, epoch: 1, seq: 2 });
    return {
      ...replaced(log, 2, forged.chunk),
      dataKeys: [...dataKeys, stranger.dataKey.wrapped],
    };
  }),
  attack(
    "forges a shorter list",
    3,
    [/the list of this log's chunks (may be forged|was altered)/],
    async ({ customer, log }) => {
      const { key, dataKeys } = await forgedKey(customer, null);
      const context = { kind: "log-manifest", run: VICTIM_RUN, epoch: 1, seq: 0 } as const;
      const content = { from: 0, tags: [], linesLeftOut: 0, end: true };
      const manifest = await sealJson(key, context, content);
      return {
        ...without(log, 3, 4),
        manifests: [{ epoch: 1, part: 0, manifest }],
        dataKeys: [...log.dataKeys, ...dataKeys],
      };
    },
  ),
  attack(
    "puts in the list of another run",
    3,
    [/the list of this log's chunks belongs elsewhere/],
    ({ log, other }) => ({ ...without(log, 3, 4), manifests: other.manifests }),
  ),
  attack("alters the list", 5, [/the list of this log's chunks was altered/], ({ log }) => ({
    ...log,
    manifests: log.manifests.map((part): LogManifestPart => ({
      ...part,
      manifest: altered(part.manifest ?? "") as LogManifestPart["manifest"],
    })),
  })),
  attack("calls the log empty, as another run's was", 0, EMPTY_ALTERED, ({ customer, log }) =>
    emptied(log, customer.tagEmptyLog({ run: OTHER_RUN, epoch: 1 })),
  ),
  attack("calls it empty, as another attempt's was", 0, EMPTY_ALTERED, ({ customer, log }) =>
    emptied(log, customer.tagEmptyLog({ run: VICTIM_RUN, epoch: 2 })),
  ),
  attack("calls it empty, with a tag it made up", 0, EMPTY_ALTERED, ({ customer, log }) =>
    emptied(log, `${customer.dataKey.id}.${"A".repeat(43)}`),
  ),
  attack(
    "calls it empty, with a key of its own",
    0,
    [/the list of this log's chunks may be forged/],
    async ({ customer, log }) => {
      const { key, dataKeys } = await forgedKey(customer, null);
      const tag = (await createEmptyLogTagger(key))({ run: VICTIM_RUN, epoch: 1 });
      return { ...emptied(log, tag), dataKeys: [...log.dataKeys, ...dataKeys] };
    },
  ),
  attack("loses the data key", 0, [/its data key is gone/], ({ log }) => ({
    ...log,
    dataKeys: [],
  })),
];

function attack(
  name: string,
  shown: number,
  says: readonly RegExp[],
  answer: LogAttack["answer"],
): LogAttack {
  return { name, shown, says, answer };
}

function at({ chunks }: StoredLog, sequence: number): LogChunk {
  const chunk = chunks.find((candidate) => candidate.sequence === sequence);
  if (chunk === undefined) throw new Error(`The log has no chunk ${sequence}.`);
  return chunk;
}

function blobAt(log: StoredLog, sequence: number): string {
  return at(log, sequence).chunk;
}

function without(log: StoredLog, ...sequences: number[]): StoredLog {
  return { ...log, chunks: log.chunks.filter(({ sequence }) => !sequences.includes(sequence)) };
}

function replaced(log: StoredLog, sequence: number, blob: string): StoredLog {
  const chunks = log.chunks.map((chunk) =>
    chunk.sequence === sequence ? { ...chunk, chunk: blob as LogChunk["chunk"] } : chunk,
  );
  return { ...log, chunks };
}

/** Without chunks, and with a tag for a list. */
function emptied(log: StoredLog, emptyLog: string): StoredLog {
  return { ...log, chunks: [], manifests: [{ epoch: 1, part: 0, manifest: null, emptyLog }] };
}

/** With another first character of the ciphertext. */
function altered(blob: string): string {
  const parts = blob.split(".");
  const text = parts[3] ?? "";
  parts[3] = (text.startsWith("A") ? "B" : "A") + text.slice(1);
  return parts.join(".");
}

type ForgedKey = { readonly key: DataKey; readonly dataKeys: WrappedDataKey[] };

/** A data key that the plane made by itself: anybody may wrap to a public key. */
async function forgedKey(customer: Customer, wrapTag: string | null): Promise<ForgedKey> {
  const key = await createDataKey({ recipients: [customer.publicKey] });
  return { key, dataKeys: [{ ...key.wrapped, wrapTag }] };
}

async function forgedChunk(log: StoredLog, { key, dataKeys }: ForgedKey): Promise<StoredLog> {
  const forged = await aLogChunk(key, { run: VICTIM_RUN, epoch: 1, seq: 2 }, "forged");
  return { ...replaced(log, 2, forged.chunk), dataKeys: [...log.dataKeys, ...dataKeys] };
}
