/**
 * Preloaded into a process under test (`--import`): changes the text of modules while they are loaded, as BOUNDARY_MUTANT
 * says: `[{ file, find, replace }]`. A text that is not there fails the process: a mutant that changes nothing proves nothing.
 */
import { register } from "node:module";

const edits = JSON.parse(process.env.BOUNDARY_MUTANT ?? "[]");

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const own = edits.filter(({ file }) => url.endsWith(file));
  if (own.length === 0) return loaded;
  const source = own.reduce((text, { file, find, replace }) => {
    if (!text.includes(find)) throw new Error(`The mutant finds no ${find} in ${file}.`);
    return text.replace(find, () => replace);
  }, Buffer.from(loaded.source).toString());
  return { ...loaded, source };
}

// This module is both the preload and, in the loader's own thread, the hooks.
const { isMainThread } = await import("node:worker_threads");
if (isMainThread) register(import.meta.url);
