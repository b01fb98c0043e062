import { readdir, readFile, readlink } from "node:fs/promises";
import { processTree } from "./process-tree.ts";

/** Local ports on which a process or one of its descendants listens (Linux). */
export async function listeningPorts(pid: number): Promise<number[]> {
  const inodes = new Set((await Promise.all((await processTree(pid)).map(socketInodes))).flat());
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8")),
  );
  return tables
    .flatMap((table) => table.trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9] ?? ""))
    .map((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16));
}

const LISTEN = "0A";

async function socketInodes(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(
    names.map((name) => readlink(`${folder}/${name}`).catch(() => "")),
  );
  return links.flatMap((link) => link.match(/^socket:\[(\d+)\]$/)?.[1] ?? []);
}
