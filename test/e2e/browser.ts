import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a page did that it should not have; a clean page leaves all of them empty. */
export type PageFaults = {
  readonly consoleErrors: string[];
  readonly cspViolations: string[];
  /** URLs of requests to another origin than the page's own. */
  readonly foreignRequests: string[];
};

export type OpenPage = {
  readonly page: Page;
  readonly faults: PageFaults;
  close(): Promise<void>;
};

export type OpenPageOptions = {
  /** The page's address, with the fragment that `downbeat dev` prints if it is to be signed in and unlocked. */
  readonly url: string;
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
};

/**
 * One browser for a test file: starting it takes longer than most of what is done with it.
 *
 * @param executablePath as `inject("chromiumPath")` yields it.
 */
export async function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Opens an address in a browser context of its own, with nothing stored, and watches what the page does. */
export async function openPage(browser: Browser, options: OpenPageOptions): Promise<OpenPage> {
  const { url, colorScheme = "light", viewport = { width: 1360, height: 900 } } = options;
  const context = await browser.newContext({ colorScheme, viewport });
  const faults: PageFaults = { consoleErrors: [], cspViolations: [], foreignRequests: [] };
  await watchCsp(context, faults);
  watchRequests(context, faults, new URL(url).origin);
  const page = await context.newPage();
  watchConsole(page, faults);
  await page.goto(url);
  return { page, faults, close: () => context.close() };
}

/**
 * Waits until the page holds the key that came with its address. The address has lost it by then, so a page that goes
 * elsewhere before has neither.
 */
export async function keyIsKept(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Unlocked/ }).waitFor();
}

// Reported from inside the page, since the console words violations differently in each version. The function is
// installed before any script of the page, so even a violation by the first one is seen.
async function watchCsp(context: BrowserContext, { cspViolations }: PageFaults): Promise<void> {
  await context.exposeFunction("reportCspViolation", (violation: string) =>
    cspViolations.push(violation),
  );
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const report: unknown = Reflect.get(globalThis, "reportCspViolation");
      const { effectiveDirective, blockedURI, sample } = event;
      if (typeof report === "function") report(`${effectiveDirective} ${blockedURI} ${sample}`);
    });
  });
}

function watchRequests(
  context: BrowserContext,
  { foreignRequests }: PageFaults,
  origin: string,
): void {
  context.on("request", (request) => {
    const url = new URL(request.url());
    // `data:` and `blob:` go nowhere.
    if (url.protocol.startsWith("http") && url.origin !== origin) foreignRequests.push(url.href);
  });
}

function watchConsole(page: Page, { consoleErrors }: PageFaults): void {
  page.on("console", (message) => {
    if (message.type() === "error") consoleErrors.push(message.text());
  });
  page.on("pageerror", (error) => consoleErrors.push(String(error)));
}
