import { relative } from "node:path";

/** A path as people like to read it: relative while it is below the working directory, else absolute. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") || short === "" ? path : short;
}
