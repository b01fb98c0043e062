import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { markdownElements } from "./markdown.tsx";

const rendered = (text: string): string =>
  renderToStaticMarkup(markdownElements(text)).replace(
    /^<div class="markdown" tabindex="0">(.*)<\/div>$/s,
    "$1",
  );

describe("Markdown", () => {
  test.each([
    [
      "# Title\n\ntext *soft* **hard** ~~gone~~",
      "<h4>Title</h4><p>text <em>soft</em> <strong>hard</strong> <del>gone</del></p>",
    ],
    ["###### six", "<h6>six</h6>"],
    ["1. one\n2. two", '<ol start="1"><li>one</li><li>two</li></ol>'],
    ["- [x] done\n- [ ] open", "<ul><li>☑ done</li><li>☐ open</li></ul>"],
    ["> said", "<blockquote><p>said</p></blockquote>"],
    ["`a<b`", "<p><code>a&lt;b</code></p>"],
    ["```js\nif (a < b) {}\n```", '<pre class="code" tabindex="0">if (a &lt; b) {}</pre>'],
    [
      "AT&amp;T &lt;b&gt; &#169;&#xa9;&copy; &nosuch; R&D `&amp;`",
      "<p>AT&amp;T &lt;b&gt; ©©© &amp;nosuch; R&amp;D <code>&amp;amp;</code></p>",
    ],
    ["one\n\n---\n\ntwo", "<p>one</p><hr/><p>two</p>"],
    [
      "|a|b|\n|-|-|\n|1|*2*|",
      '<table class="table"><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td>1</td><td><em>2</em></td></tr></tbody></table>',
    ],
    [
      "[the *docs*](https://x.test/a)",
      '<p><a href="https://x.test/a" target="_blank" rel="noopener noreferrer" title="https://x.test/a">the <em>docs</em></a></p>',
    ],
  ])("%j", (text, html) => {
    expect(rendered(text)).toBe(html);
  });

  // What somebody might put into an artifact in order to run code, or be told that it was opened.
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <svg/onload=alert(1)> text",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&#58;alert(1))",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<javascript:alert(1)>",
    "![x](https://tracker.test/pixel.png)",
    "![x](javascript:alert(1))",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x](https://x.test/ \"a' onclick='alert(1)\")",
    "</div></section><h1 onclick=alert(1)>x</h1>",
    "|<b onclick=x>|\n|-|\n|<iframe src=//x.test>|",
  ])("%j runs nothing and loads nothing", (text) => {
    const html = rendered(text);
    const tags = [...html.matchAll(/<([a-z0-9]+)((?:\s[a-z]+="[^"]*")*)\s*\/?>/gi)];
    const allowed = /^(p|a|table|thead|tbody|tr|th|td|h[4-6])$/;
    expect(tags.filter(([, name = ""]) => !allowed.test(name))).toEqual([]);
    const attributes = tags.flatMap(([, , given = ""]) => [...given.matchAll(/([a-z]+)="/gi)]);
    expect(
      attributes.filter(([, name = ""]) => !/^(href|target|rel|title|class|scope)$/.test(name)),
    ).toEqual([]);
    expect(html).not.toMatch(/href="(?!https:\/\/(x|tracker)\.test\/)/i);
  });

  test("what is nested beyond reason is shown as it is", () => {
    expect(rendered(`${">".repeat(5_000)} deep`)).toContain("deep");
  });
});
