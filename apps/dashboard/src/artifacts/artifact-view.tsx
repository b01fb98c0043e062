import type { ArtifactContent, ArtifactDetail } from "@downbeat/contract";
import { countWords } from "../format/count.ts";
import { MarkdownArtifact } from "./markdown-artifact.tsx";
import { safeHref } from "./safe-href.ts";
import { TableArtifact } from "./table-artifact.tsx";

/** An opened artifact. Its author is trusted with the workspace key, and still nothing in it runs. */
export function ArtifactView({ detail }: { detail: ArtifactDetail }) {
  const name = detail.title ?? detail.key;
  return (
    <>
      <h3 className="artifact__name">{name}</h3>
      <Content content={detail.content} name={name} />
    </>
  );
}

function Content({ content, name }: { content: ArtifactContent; name: string }) {
  switch (content.type) {
    case "markdown":
      return <MarkdownArtifact text={content.text} />;
    case "table":
      return <TableArtifact table={content} />;
    case "link":
      return <LinkArtifact url={content.url} text={content.text} />;
    case "image":
      return (
        <img
          className="artifact__image"
          src={`data:${content.mediaType};base64,${content.data}`}
          alt={content.alt ?? name}
        />
      );
    case "progress":
      return <ProgressArtifact progress={content} name={name} />;
  }
}

function LinkArtifact({ url, text }: { url: string; text: string | undefined }) {
  const href = safeHref(url);
  if (href === undefined) return <code>{url}</code>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
      {text ?? href}
    </a>
  );
}

type Progress = Extract<ArtifactContent, { type: "progress" }>;

function ProgressArtifact({ progress, name }: { progress: Progress; name: string }) {
  const { done, total, label } = progress;
  return (
    <div className="artifact__progress">
      {total !== null && (
        <progress
          aria-label={name}
          value={total === 0 ? 1 : Math.min(done, total)}
          max={total || 1}
        />
      )}
      <span className="number">
        {total === null ? countWords(done) : `${countWords(done)} of ${countWords(total)}`}
      </span>
      {label !== undefined && <span className="quiet">{label}</span>}
    </div>
  );
}
