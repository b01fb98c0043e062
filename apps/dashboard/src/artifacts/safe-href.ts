const FOLLOWED = new Set(["http:", "https:", "mailto:"]);

/** A whole URL that can be followed without running anything; undefined for all else, such as `javascript:` or a path. */
export function safeHref(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && FOLLOWED.has(url.protocol) ? url.href : undefined;
}
