import { type ReactNode, useEffect, useState } from "react";
import { CodeBlock } from "../ui/code-block.tsx";

/**
 * Markdown, as it was written until it is read. It is read outside of rendering: a long text takes a second or more, React begins
 * what it put aside anew, and with a clock on the page that moves each second it would never come to the end.
 */
export function MarkdownArtifact({ text }: { text: string }) {
  const [elements, setElements] = useState<ReactNode>();
  useEffect(() => {
    let wanted = true;
    // Loaded when there is Markdown, which most runs do not have.
    import("./markdown.tsx")
      .then(({ markdownElements }) => wanted && setElements(markdownElements(text)))
      // Another version is served by now: what was written can be read all the same.
      .catch(() => wanted && setElements(<CodeBlock text={text} />));
    return () => {
      wanted = false;
    };
  }, [text]);
  return elements ?? <CodeBlock text={text} />;
}
