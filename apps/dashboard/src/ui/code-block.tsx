/** Text as it was written, in a box that scrolls; by keyboard too, which not every browser does by itself. */
export function CodeBlock({ text, wraps = false }: { text: string; wraps?: boolean }) {
  return (
    <pre className={wraps ? "code code--wrap" : "code"} tabIndex={0}>
      {text}
    </pre>
  );
}
