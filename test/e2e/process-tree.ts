import { readdir, readFile } from "node:fs/promises";

/** A process and everything below it. */
export async function processTree(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => ""); // it may have just ended
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    parents.set(Number(name), Number(fields[1]));
  }
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, above] of parents) if (above === parent) tree.push(child);
  }
  return tree;
}

/** Kills a process and everything below it, also what has put itself into another process group. */
export async function killTree(pid: number): Promise<void> {
  for (const member of await processTree(pid)) {
    try {
      process.kill(member, "SIGKILL");
    } catch {
      // ESRCH: it ended between being listed and being killed
    }
  }
}
