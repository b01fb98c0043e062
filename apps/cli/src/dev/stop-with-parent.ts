/**
 * Preloaded into the API and the agent when the supervisor starts them: their stdin is a pipe that the supervisor holds
 * open. When it ends, the supervisor is gone, however it died, and this process stops as if it had been asked to.
 */
process.stdin.resume();
process.stdin.once("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.once("error", () => process.kill(process.pid, "SIGTERM"));
// A pipe that is only waited on must not keep the process alive; a file or terminal has no unref and needs none.
if ("unref" in process.stdin) process.stdin.unref();
