import { readFile } from "node:fs/promises";

/** Whom a child process runs as; empty when we are nobody special ourselves. */
export type RunAs = { readonly uid: number; readonly gid: number } | Record<string, never>;

/**
 * PostgreSQL refuses to run as root, so a server started by root runs as `postgres` or, without that user, `nobody`.
 * The user must have a line in the password file: `initdb` looks its own name up.
 */
export async function unprivilegedUser(passwdPath = "/etc/passwd"): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  const passwd = await readFile(passwdPath, "utf8");
  const user = findUser(passwd, "postgres") ?? findUser(passwd, "nobody");
  if (user !== undefined) return user;
  throw new Error(
    `PostgreSQL does not run as root and ${passwdPath} knows neither "postgres" nor "nobody". ` +
      "Run the tests as an ordinary user, or add one of these users.",
  );
}

function findUser(passwd: string, name: string): RunAs | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
