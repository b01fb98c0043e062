/** The path of an installed Chromium or Chrome; see `install-chromium.mjs`. */
export function ensureChromium(): string;
