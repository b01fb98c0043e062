/** A kept value as it lies in a storage: a line of JSON that says what follows, then the serialised bytes. */
export type Entry = {
  readonly serializer: string;
  /** When it was kept, in milliseconds since the epoch. */
  readonly keptAtMs: number;
  readonly body: Uint8Array;
};

type Header = Omit<Entry, "body"> & { readonly downbeat: 1; readonly bytes: number };

const NEW_LINE = 0x0a;

export function packEntry({ serializer, keptAtMs, body }: Entry): Uint8Array {
  const header: Header = { downbeat: 1, serializer, keptAtMs, bytes: body.byteLength };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

/** @throws Error when these bytes are no entry, or not a whole one */
export function unpackEntry(bytes: Uint8Array): Entry {
  const end = bytes.indexOf(NEW_LINE);
  const text = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString("utf8");
  const header = JSON.parse(text) as Partial<Header>;
  const { serializer, keptAtMs } = header;
  if (header.downbeat !== 1 || serializer === undefined || keptAtMs === undefined)
    throw new Error("it does not begin as this version of the SDK writes it");
  const body = bytes.subarray(end + 1);
  if (body.byteLength !== header.bytes)
    throw new Error(`it has ${body.byteLength} bytes of ${header.bytes}`);
  return { serializer, keptAtMs, body };
}
