import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Reads a data set that ships inside the package `vega-datasets`; nothing is downloaded. */
export async function readDataFile(name: string): Promise<string> {
  return (await readDataBytes(name)).toString();
}

/** The same for one that is no text. */
export function readDataBytes(name: string): Promise<Buffer> {
  const packageDirectory = dirname(dirname(require.resolve("vega-datasets")));
  return readFile(join(packageDirectory, "data", name));
}
