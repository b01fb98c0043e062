import {
  brotliDecompressSync,
  constants,
  inflateRawSync,
  inflateSync,
  gunzipSync,
} from "node:zlib";

/** Bytes as they are, or what came out of them; `how` is empty for the former. */
export type Layer = { readonly how: string; readonly bytes: Buffer };

const DEEPEST = 3;
const LARGEST_BYTES = 32 * 1024 * 1024;

const ENCODINGS = [
  { name: "base64", pattern: /[A-Za-z0-9+/_-]{24,}/g },
  { name: "hex", pattern: /(?:[0-9a-fA-F]{2}){24,}/g },
] as const;

/** The bytes themselves, and everything that is encoded or compressed in them, layer below layer. */
export function unfold(bytes: Buffer, how = "", depth = 0): Layer[] {
  if (depth === DEEPEST) return [{ how, bytes }];
  const below = (step: string, pieces: readonly Buffer[]): Layer[] =>
    pieces.flatMap((piece) => unfold(piece, how === "" ? step : `${how}, ${step}`, depth + 1));
  const text = bytes.toString("latin1");
  const layers = ENCODINGS.flatMap(({ name, pattern }) => {
    const runs = [...new Set(text.match(pattern) ?? [])].map((run) => Buffer.from(run, name));
    if (runs.length === 0) return [];
    // A stream without a head could begin anywhere; it is tried where something encoded begins.
    const streams = runs.flatMap((run) => attempts(run, WAYS));
    return [
      ...below(`inside ${name}`, [Buffer.concat(runs.flatMap((run) => [run, GAP]))]),
      ...below(`inflated inside ${name}`, streams),
    ];
  });
  const streams = headsIn(text).flatMap((at) =>
    attempts(bytes.subarray(at), [inflateSync, gunzipSync]),
  );
  return [{ how, bytes }, ...layers, ...below("inflated", streams)];
}

const WAYS = [inflateSync, gunzipSync, inflateRawSync, brotliDecompressSync];
const GAP = Buffer.from("\n\n");
// How gzip and zlib streams begin.
const HEADS = ["\u001f\u008b\b", "x\u0001", "x^", "x\u009c", "x\u00da"];

function headsIn(text: string): number[] {
  return HEADS.flatMap((head) => {
    const places: number[] = [];
    for (let at = text.indexOf(head); at !== -1; at = text.indexOf(head, at + 1)) places.push(at);
    return places;
  });
}

type Inflate = (bytes: Buffer, options: { maxOutputLength: number; finishFlush: number }) => Buffer;

// What follows a stream, or is missing of it, must not hide what it holds.
const FINISH_FLUSH = constants.Z_SYNC_FLUSH;

function attempts(bytes: Buffer, ways: readonly Inflate[]): Buffer[] {
  return ways.flatMap((inflate) => {
    try {
      const out = inflate(bytes, { maxOutputLength: LARGEST_BYTES, finishFlush: FINISH_FLUSH });
      return out.length > 0 ? [out] : [];
    } catch {
      return []; // these bytes are no such stream
    }
  });
}
