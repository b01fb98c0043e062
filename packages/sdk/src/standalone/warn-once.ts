const said = new Set<string>();

/** Tells the author of a script, once per process and topic, that something of it is not recorded, and why. */
export function warnOnce(topic: string, error: unknown): void {
  if (said.has(topic)) return;
  said.add(topic);
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`downbeat: ${topic}: ${reason}\n`);
}
