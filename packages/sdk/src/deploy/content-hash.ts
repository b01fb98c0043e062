import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, extname, join, relative, sep } from "node:path";

// What TypeScript may be imported as, besides by its own name.
const WRITTEN_AS: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"],
};
const LEFT_OUT = ["", ".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".json"];
const READ_FOR_MORE = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"]);

// Any literal that begins like a relative path, whatever it is used for: an import, a `require`, a data file beside the
// module. One that leads to no file counts for nothing, and one too many only makes a new version too often.
const RELATIVE_PATH = /(["'`])(\.{1,2}\/[^"'`\n$]*?)\1/g;

/**
 * Hashes a flow's module with every file of its project that it leads to by relative paths, over and over. Packages are
 * left out: the lockfile pins them. The same files give the same hash wherever the project lies.
 *
 * @param projectDirectory absolute; files outside it do not count
 * @param path of the module, relative to it, with forward slashes
 * @returns SHA-256, hexadecimal
 * @throws the file system's error when the module cannot be read
 */
export async function contentHash(projectDirectory: string, path: string): Promise<string> {
  const texts = new Map<string, Buffer>();
  await collect(projectDirectory, path, texts);
  const hash = createHash("sha256");
  for (const [name, text] of [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n${createHash("sha256").update(text).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

async function collect(root: string, path: string, texts: Map<string, Buffer>): Promise<void> {
  if (texts.has(path)) return;
  const file = join(root, path);
  const text = await readFile(file);
  texts.set(path, text);
  if (!READ_FOR_MORE.has(extname(path))) return;
  for (const [, , specifier = ""] of text.toString("utf8").matchAll(RELATIVE_PATH)) {
    const found = await locate(join(dirname(file), specifier));
    if (found === undefined) continue;
    const inside = relative(root, found).split(sep).join("/");
    const isOurs = !inside.startsWith("../") && !inside.split("/").includes("node_modules");
    if (isOurs) await collect(root, inside, texts);
  }
}

async function locate(path: string): Promise<string | undefined> {
  const extension = extname(path);
  const bare = path.slice(0, path.length - extension.length);
  const candidates = [
    ...LEFT_OUT.map((ending) => path + ending),
    ...(WRITTEN_AS[extension] ?? []).map((ending) => bare + ending),
    ...LEFT_OUT.slice(1).map((ending) => join(path, `index${ending}`)),
  ];
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined); // not there, or not ours to see
    if (found?.isFile() === true) return candidate;
  }
  return undefined;
}
