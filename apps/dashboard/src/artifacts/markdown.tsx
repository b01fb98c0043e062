import { Lexer, type Token, type Tokens } from "marked";
import { createElement, Fragment, type ReactNode } from "react";
import { CodeBlock } from "../ui/code-block.tsx";
import { characterText } from "./character-references.ts";
import { safeHref } from "./safe-href.ts";

/**
 * Markdown as elements. The text is only ever read: HTML in it is shown as text, links go to http:, https: and mailto: alone,
 * and images are named, not loaded, so that opening a run tells nobody.
 */
export function markdownElements(text: string): ReactNode {
  try {
    const elements = all(new Lexer({ gfm: true }).lex(text));
    // A box that scrolls; by keyboard too, which not every browser does by itself.
    return (
      <div className="markdown" tabIndex={0}>
        {elements}
      </div>
    );
  } catch {
    return <CodeBlock text={text} />; // nested so deep that the reader gave up: shown as it is
  }
}

function all(tokens: readonly Token[] | undefined): ReactNode {
  return tokens?.map((token, at) => <Fragment key={at}>{one(token)}</Fragment>);
}

// Tokens that hold others, and the element each becomes.
const WRAPPERS: Readonly<Record<string, string>> = {
  paragraph: "p",
  blockquote: "blockquote",
  strong: "strong",
  em: "em",
  del: "del",
};

const HEADINGS = ["h4", "h5", "h6"] as const;

function one(token: Token): ReactNode {
  const wrapper = WRAPPERS[token.type];
  if (wrapper !== undefined) return createElement(wrapper, null, all(inner(token)));
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "heading": {
      // Below the artifact's own name.
      const depth = Math.min((token as Tokens.Heading).depth, HEADINGS.length);
      return createElement(HEADINGS[depth - 1] ?? "h6", null, all(inner(token)));
    }
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "code":
      return <CodeBlock text={(token as Tokens.Code).text} />;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "link":
      return link(token as Tokens.Link, all(inner(token)));
    case "image":
      return link(token as Tokens.Image, characterText((token as Tokens.Image).text) || "image");
    case "escape":
      return (token as Tokens.Escape).text;
    case "text": {
      const held = inner(token);
      return held === undefined ? characterText((token as Tokens.Text).text) : all(held);
    }
    default:
      return token.raw; // HTML, and what is not known
  }
}

function inner(token: Token): Token[] | undefined {
  return "tokens" in token ? token.tokens : undefined;
}

function link(to: { readonly href: string }, children: ReactNode): ReactNode {
  const href = safeHref(characterText(to.href));
  if (href === undefined) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
      {children}
    </a>
  );
}

function list({ items: entries, ordered, start }: Tokens.List): ReactNode {
  const items = entries.map((item, at) => (
    <li key={at}>
      {item.task && (item.checked === true ? "☑ " : "☐ ")}
      {all(item.tokens.filter(({ type }) => type !== "checkbox"))}
    </li>
  ));
  return ordered ? <ol start={start === "" ? 1 : start}>{items}</ol> : <ul>{items}</ul>;
}

function table({ header, rows }: Tokens.Table): ReactNode {
  return (
    <table className="table">
      <thead>
        <tr>
          {header.map((cell, at) => (
            <th key={at} scope="col">
              {all(cell.tokens)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={at}>
            {row.map((cell, column) => (
              <td key={column}>{all(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
