import { imageContent } from "./image-content.ts";
import { invalidArtifact, shortText, shownValue, showArtifact } from "./show.ts";
import { tableContent } from "./table-content.ts";

/** How an artifact is shown. */
export type ArtifactOptions = {
  /** Stands above it; default: its key. */
  readonly title?: string;
};

/** How a table is shown. */
export type TableOptions = ArtifactOptions & {
  /** Which properties of the rows, in this order; default: all, as they are met. */
  readonly columns?: readonly string[];
};

/** How a link is shown. */
export type LinkOptions = ArtifactOptions & {
  /** What is clicked; default: the URL. */
  readonly text?: string;
};

/** How an image is shown. */
export type ImageOptions = ArtifactOptions & {
  /** Says what is to be seen, for those who cannot; default: its title. */
  readonly alt?: string;
};

/**
 * Shows something to the people who look at the run around this code: on its page and with `downbeat runs artifacts`. The
 * same key again replaces what it showed before; at most one version a second leaves the process, the newest. Sealed before
 * it leaves the machine, key and title included. Outside a run the input is checked and nothing is shown.
 *
 * @example
 * artifact.markdown("summary", `**${rows.length}** rows`);
 * artifact.table("by-region", regions, { columns: ["region", "total"] });
 * artifact.link("report", "https://reports.example/2026-03", { text: "March" });
 * artifact.image("plot", await readFile("plot.png"), { alt: "sales by week" });
 * @throws DownbeatError `artifact_invalid` for an empty key, a URL that is not http: or https:, bytes that are no PNG, JPEG,
 * GIF or WebP image, a cell that cannot be shown; `artifact_too_large` beyond 512 KiB of JSON, or 380 KiB of an image.
 */
export const artifact: {
  /** Text with headings, lists, tables, links and code. HTML in it is shown as text. */
  readonly markdown: (key: string, text: string, options?: ArtifactOptions) => void;
  /** A row for each object, a column for each property. */
  readonly table: (key: string, rows: readonly object[], options?: TableOptions) => void;
  /** Somewhere to go, by http: or https:. */
  readonly link: (key: string, url: string | URL, options?: LinkOptions) => void;
  /** The bytes of a PNG, JPEG, GIF or WebP image. */
  readonly image: (key: string, bytes: Uint8Array, options?: ImageOptions) => void;
} = {
  markdown: (key, text, { title } = {}) => {
    const call = "artifact.markdown";
    if (typeof text !== "string")
      throw invalidArtifact(
        `${call}(${shownValue(key)}) was given ${shownValue(text)}; it takes a text`,
      );
    showArtifact({ call, key, title, content: { type: "markdown", text } });
  },
  table: (key, rows, { title, columns } = {}) => {
    const call = "artifact.table";
    const content = tableContent(`${call}(${shownValue(key)})`, rows, columns);
    showArtifact({ call, key, title, content });
  },
  link: (key, url, { title, text } = {}) => {
    const call = "artifact.link";
    const content = {
      type: "link" as const,
      url: checkedUrl(`${call}(${shownValue(key)})`, url),
      ...(text !== undefined && { text: shortText(text) }),
    };
    showArtifact({ call, key, title, content });
  },
  image: (key, bytes, { title, alt } = {}) => {
    const call = "artifact.image";
    const content = imageContent(`${call}(${shownValue(key)})`, bytes);
    const described = { ...content, ...(alt !== undefined && { alt: shortText(alt) }) };
    showArtifact({ call, key, title, content: described });
  },
};

const LINKED = new Set(["http:", "https:"]);

function checkedUrl(call: string, given: string | URL): string {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && LINKED.has(url.protocol)) return url.href;
  throw invalidArtifact(
    `${call} was given ${shownValue(text)}; it takes a URL with http: or https:`,
  );
}
