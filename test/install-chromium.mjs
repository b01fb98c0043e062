import { execFileSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MACOS_PROGRAMS = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * The path of a Chromium or Chrome: `CHROMIUM_PATH`, then the search path, then macOS applications. Where there is none
 * and we are root on Debian or Ubuntu, it is installed from the distribution.
 *
 * @returns {string}
 * @throws {Error} when there is none and it cannot be installed, with what to do.
 */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (!isDebian() || process.getuid?.() !== 0) throw new Error(notFound("no browser is installed"));
  try {
    apt("update");
    apt("install", "--yes", "--no-install-recommends", "chromium");
  } catch (error) {
    throw new Error(notFound("installing it with apt-get failed"), { cause: error });
  }
  const installed = findChromium();
  if (installed === undefined) throw new Error(notFound("apt-get installed none"));
  return installed;
}

/** @returns {string | undefined} */
function findChromium() {
  const wanted = process.env.CHROMIUM_PATH;
  if (wanted) {
    if (isProgram(wanted)) return wanted;
    throw new Error(`CHROMIUM_PATH names "${wanted}", which is not a program.`);
  }
  const directories = (process.env.PATH ?? "").split(path.delimiter).filter(Boolean);
  const onPath = PROGRAM_NAMES.flatMap((name) => directories.map((dir) => path.join(dir, name)));
  return [...onPath, ...MACOS_PROGRAMS].find(isProgram);
}

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

/** @param {string[]} args */
function apt(...args) {
  execFileSync("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

/** @param {string} why */
function notFound(why) {
  return (
    `The page tests need Chromium or Chrome: ${why}. ` +
    "Install one (Debian, Ubuntu: apt-get install chromium), or set CHROMIUM_PATH."
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(ensureChromium());
