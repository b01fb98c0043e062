import type { ArtifactContent } from "@downbeat/contract";
import type { ArtifactEvent } from "../run-host.ts";
import { withoutSecrets } from "../secret.ts";

/** The artifact without the secrets this process was told of. */
export function redactArtifact(event: ArtifactEvent): ArtifactEvent {
  const { key, title, content } = event;
  return {
    ...event,
    key: withoutSecrets(key),
    ...(title !== undefined && { title: withoutSecrets(title) }),
    content: redactContent(content),
  };
}

function redactContent(content: ArtifactContent): ArtifactContent {
  switch (content.type) {
    case "markdown":
      return { ...content, text: withoutSecrets(content.text) };
    case "table":
      return {
        ...content,
        columns: content.columns.map(withoutSecrets),
        rows: content.rows.map((row) =>
          row.map((cell) => (typeof cell === "string" ? withoutSecrets(cell) : cell)),
        ),
      };
    case "link":
      return { ...content, url: withoutSecrets(content.url), ...redactedText(content, "text") };
    case "image":
      return { ...content, ...redactedText(content, "alt") };
    case "progress":
      return { ...content, ...redactedText(content, "label") };
  }
}

function redactedText<K extends string>(
  content: { readonly [key in K]?: string | undefined },
  key: K,
): { [key in K]?: string } {
  const text = content[key];
  return text === undefined ? {} : ({ [key]: withoutSecrets(text) } as { [key in K]: string });
}
