import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The commit of a project's repository; null outside a repository, or when the project has changes that no commit holds
 * and the commit would name something else than what runs.
 */
export async function gitRevision(projectDirectory: string): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", args, { cwd: projectDirectory })).stdout.trim();
  try {
    if ((await git("status", "--porcelain", "--", ".")) !== "") return null;
    const revision = await git("rev-parse", "HEAD");
    return /^[0-9a-f]{40}$/.test(revision) ? revision : null;
  } catch {
    return null; // no git, no repository or no commit yet: the content hash still identifies the version
  }
}
