import { spawn } from "node:child_process";

// Reads nothing: the pipe's end is the signal. The process that holds the other end can die in any way at all, SIGKILL
// included, and the kernel closes it. A server that already stopped has left no directory, and nothing is done.
const WATCH = `
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" 2> /dev/null
turns=0
while [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null && [ $turns -lt 50 ]; do sleep 0.1; turns=$((turns + 1)); done
rm -rf "$1"
`;

/**
 * Leaves a small process behind that, once we are gone, ends the server whose data is in `directory`, if there is one,
 * and removes the directory.
 */
export function cleanUpAfterUs(directory: string): void {
  const watcher = spawn("sh", ["-c", WATCH, "sh", directory], {
    cwd: "/",
    stdio: ["pipe", "ignore", "ignore"],
    // Its own group: Ctrl-C at the terminal must not end the one that cleans up after Ctrl-C.
    detached: true,
  });
  watcher.unref();
  const pipe = watcher.stdin as typeof watcher.stdin & { unref?: () => void };
  pipe.unref?.();
}
