/**
 * Undoes `process.chdir()` of a run, for the next one counts on the directory that the process began in. False when it is
 * gone.
 */
export function goBackTo(directory: string): boolean {
  try {
    if (process.cwd() !== directory) process.chdir(directory);
    return true;
  } catch {
    return false; // removed by what ran here: no run can start in this process any more
  }
}
