import type { SourceFile } from "./source-files.ts";

type TextRule = { readonly pattern: RegExp; readonly because: string };

// Written so that no pattern matches its own line.
const RULES: readonly TextRule[] = [
  {
    pattern: /(?<![\w./@-])\/(?:root|work|home|Users)\/[\w.]/,
    because: "a path of one machine",
  },
  {
    pattern: /(?<![\w./@-])\/tmp\/[\w.]/,
    because: "a fixed path under the temporary directory; use os.tmpdir() and mkdtemp",
  },
  {
    pattern: /\b(?:TODO|FIXME|XXX|HACK)(?=[\s:(])/,
    because: "an unfinished thought; do it or open an issue",
  },
  {
    pattern: /\btarball: (?!https:\/\/registry\.npmjs\.org\/)/,
    because: "a package from another registry than the public one",
  },
  { pattern: /^(?:<{7} |>{7} |={7}$)/, because: "a merge conflict" },
];

/** Lines that speak of something other than the project, as `path:line: why`. */
export function strayText(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        RULES.filter((rule) => rule.pattern.test(line)).map(
          (rule) => `${path}:${index + 1}: ${rule.because}`,
        ),
      ),
  );
}
