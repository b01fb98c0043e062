import axe from "axe-core";
import type { Page } from "playwright-core";

/** Which accessibility rules a page breaks, and where. By the debugger, since the page's own policy lets no foreign script in. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}
