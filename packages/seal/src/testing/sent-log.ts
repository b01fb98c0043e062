import type { LogChunk, LogLine, LogManifestPart, WrappedDataKey } from "@downbeat/contract";
import { createDataKey, type DataKey } from "../data-key.ts";
import { importKeyring, type Keyring } from "../keyring.ts";
import { createKeyset, publicKeyOf } from "../keyset.ts";
import { LogManifestWriter } from "../log/manifest-writer.ts";
import { createEmptyLogTagger } from "../node/empty-log-tagger.ts";
import type { WorkspacePublicKey } from "../public-key.ts";
import { sealJson } from "../seal.ts";

/** What a plane stores of a run's log. */
export type StoredLog = {
  readonly chunks: readonly LogChunk[];
  readonly manifests: readonly LogManifestPart[];
  readonly dataKeys: readonly WrappedDataKey[];
  /** The number of the run's attempts, as the plane tells it. */
  readonly epoch: number;
};

/** A customer who sends logs: the keys, and what was sent so far. */
export type Customer = {
  readonly keyring: Keyring;
  readonly publicKey: WorkspacePublicKey;
  readonly dataKey: DataKey;
  /** Says that an attempt has logged nothing. */
  readonly tagEmptyLog: (attempt: { run: string; epoch: number }) => string;
  /** Sends the log of one attempt: so many chunks of one line each, which says where it stands. */
  readonly send: (runId: string, epoch: number, chunks: number) => Promise<StoredLog>;
};

export async function aCustomer(
  workspaceId = "0198f2a0-0000-7000-8000-000000000001",
): Promise<Customer> {
  const keyset = await createKeyset({ workspaceId, now: new Date("2026-01-02T03:04:05Z") });
  const keyring = await importKeyring(keyset);
  const publicKey = publicKeyOf(keyset);
  const dataKey = await createDataKey({ recipients: [publicKey], keyring });
  const send = (run: string, epoch: number, chunks: number) =>
    sendLog(dataKey, { run, epoch }, chunks);
  const tagEmptyLog = await createEmptyLogTagger(dataKey);
  return { keyring, publicKey, dataKey, tagEmptyLog, send };
}

/** The chunk of one line at a place. */
export async function aLogChunk(
  dataKey: DataKey,
  { run: runId, epoch, seq: sequence }: { run: string; epoch: number; seq: number },
  text = `${runId.slice(-1)}.${epoch}.${sequence}`,
): Promise<LogChunk> {
  const context = { kind: "log", run: runId, epoch, seq: sequence } as const;
  const receivedAt = "2026-01-01T00:00:00.000Z";
  const line: LogLine = { at: receivedAt, level: "info", logger: "flow", text };
  const chunk = await sealJson(dataKey, context, [line]);
  return { runId, epoch, sequence, lineCount: 1, receivedAt, chunk };
}

async function sendLog(
  dataKey: DataKey,
  { run, epoch }: { run: string; epoch: number },
  count: number,
): Promise<StoredLog> {
  const writer = new LogManifestWriter();
  const places = Array.from({ length: count }, () => writer.takePlace());
  const chunks = await Promise.all(places.map((seq) => aLogChunk(dataKey, { run, epoch, seq })));
  for (const { sequence, chunk } of chunks) writer.sent(sequence, chunk);
  const manifests = await Promise.all(
    writer.end().map(async ({ part, manifest }): Promise<LogManifestPart> => {
      const context = { kind: "log-manifest", run, epoch, seq: part } as const;
      return { epoch, part, manifest: await sealJson(dataKey, context, manifest) };
    }),
  );
  return { chunks, manifests, dataKeys: [dataKey.wrapped], epoch };
}
