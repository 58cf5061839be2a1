// What the browser tests share: Debian's Chromium, a page whose complaints count as failures, and
// the steps that every test begins with.
import { chromium } from 'playwright-core';

export async function open({ url, dark = false, width = 1440, height = 900 }) {
  const browser = await chromium.launch({
    executablePath: process.env.DROVER_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--ignore-certificate-errors'],
  });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', baseURL: url,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (4|5)\d\d|net::ERR/.test(message.text())) complaints.push(message.text());
    else if (/Content Security Policy|React|Warning:/i.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (/^(https?|wss?):$/.test(asked.protocol) && asked.host !== new URL(url).host) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  // Networks of this computer come and go while other tests run.
  const visit = page.goto.bind(page);
  page.goto = async (address) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await visit(address);
      } catch (error) {
        if (attempt === 5 || !/ERR_NETWORK_CHANGED/.test(error.message)) throw error;
      }
    }
  };
  return { browser, context, page, complaints };
}

export async function login(page, url, user, password, hash = '') {
  await page.goto(`${url}/ui/${hash}`);
  await page.fill('#user', user);
  await page.fill('#password', password);
  await page.press('#password', 'Enter');
  await page.waitForSelector('.navigator', { timeout: 60_000 });
}

const complaints = (session) => session.complaints.join('\n');

/** Runs a test: says what it does, takes a picture when it fails, and fails on complaints. */
export async function run(test, url = process.env.DROVER_URL) {
  const session = await open({ url });
  try {
    await test({ ...session, url, user: process.env.DROVER_USER, password: process.env.DROVER_PASSWORD });
    if (session.complaints.length > 0) throw new Error(`the page complained:\n${session.complaints.join('\n')}`);
  } catch (error) {
    if (process.env.DROVER_SHOTS) await session.page.screenshot({ path: `${process.env.DROVER_SHOTS}/failed.png` }).catch(() => {});
    console.error(error, complaints(session));
    process.exitCode = 1;
  } finally {
    await session.browser.close();
  }
}

export function expect(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

/** Does something in light and in dark colours; then it is light again. */
export async function inBothModes(page, work) {
  const change = async (mode) => {
    await page.emulateMedia({ colorScheme: mode });
    await page.waitForFunction((dark) => document.documentElement.classList.contains('pf-v6-theme-dark') === dark, mode === 'dark');
  };
  for (const mode of ['light', 'dark']) {
    await change(mode);
    await work(mode);
  }
  await change('light');
}

/** A picture of the page for the documentation, where somebody wants one. */
export async function picture(page, name) {
  if (!process.env.DROVER_SHOTS) return;
  // What comes a moment later belongs to it; where the pointer was does not.
  await page.mouse.move(700, 2);
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${process.env.DROVER_SHOTS}/${name}.png` });
}

export function report(key, value) {
  console.log(JSON.stringify({ [key]: value }));
}

/** WCAG A and AA rules of axe on the page as it is, or on a part; or these rules alone. */
export async function violations(page, axeSource, rules, part) {
  if (!(await page.evaluate('window.axe !== undefined'))) await page.evaluate(axeSource);
  const found = await page.evaluate(
    ([only, within]) => window.axe.run(within ?? document, { runOnly: only ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] }), [rules, part]);
  return found.violations.map((each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`);
}
