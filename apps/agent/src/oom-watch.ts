import { readFile } from "node:fs/promises";

/** Tells whether the kernel's out-of-memory killer struck in this process's control group since it was last asked. */
export class OomWatch {
  #seen = 0;

  static async start(): Promise<OomWatch> {
    const watch = new OomWatch();
    await watch.struck();
    return watch;
  }

  /** False where the system does not say (not Linux, no cgroup v2). */
  async struck(): Promise<boolean> {
    const kills = await oomKills();
    const struck = kills > this.#seen;
    this.#seen = kills;
    return struck;
  }
}

async function oomKills(): Promise<number> {
  try {
    const group = /^0::(.*)$/m.exec(await readFile("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
    const events = await readFile(`/sys/fs/cgroup${group}/memory.events`, "utf8");
    return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
  } catch {
    return 0; // there is no such file: nothing is known, and SIGKILL is reported as just that
  }
}
