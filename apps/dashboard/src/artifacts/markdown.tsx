import { Lexer, type Token, type Tokens } from "marked";
import { createElement, Fragment, type ReactNode, useMemo } from "react";
import { safeHref } from "./safe-href.ts";

/**
 * Markdown as elements. The text is only ever read: HTML in it is shown as text, links go to http:, https: and mailto: alone,
 * and images are named, not loaded, so that opening a run tells nobody.
 */
export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => tokensOf(text), [text]);
  return <div className="markdown">{tokens === undefined ? <pre>{text}</pre> : all(tokens)}</div>;
}

function tokensOf(text: string): Token[] | undefined {
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch {
    return undefined; // nested so deep that the reader gave up: shown as it is
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
      return <List list={token as Tokens.List} />;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "code":
      return <pre className="code">{(token as Tokens.Code).text}</pre>;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "link":
      return <Link link={token as Tokens.Link}>{all(inner(token))}</Link>;
    case "image":
      return <Link link={token as Tokens.Image}>{(token as Tokens.Image).text || "image"}</Link>;
    case "text":
    case "escape":
      return inner(token) === undefined ? (token as Tokens.Text).text : all(inner(token));
    default:
      return token.raw; // HTML, and what is not known
  }
}

function inner(token: Token): Token[] | undefined {
  return "tokens" in token ? token.tokens : undefined;
}

function Link({ link, children }: { link: { readonly href: string }; children: ReactNode }) {
  const href = safeHref(link.href);
  if (href === undefined) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
      {children}
    </a>
  );
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, at) => (
    <li key={at}>
      {item.task && (item.checked === true ? "☑ " : "☐ ")}
      {all(item.tokens.filter(({ type }) => type !== "checkbox"))}
    </li>
  ));
  return list.ordered ? (
    <ol start={list.start === "" ? 1 : list.start}>{items}</ol>
  ) : (
    <ul>{items}</ul>
  );
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    <table className="table">
      <thead>
        <tr>
          {table.header.map((cell, at) => (
            <th key={at} scope="col">
              {all(cell.tokens)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, at) => (
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
