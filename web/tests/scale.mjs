// Measures the client at scale: DROVER_URL is a server with ten thousand machines. Prints figures;
// bench/README.md says how they are made. "work" is the main thread's CPU time, see trace.mjs.
import { report, run } from './browser.mjs';
import { storm } from './storm.mjs';
import { traced } from './trace.mjs';

// Frames of a scripted scroll, as the page itself sees them: 180 pixels each, as a fast wheel.
const SCROLL = `async (selector) => {
  const box = document.querySelector(selector);
  const most = box.scrollHeight - box.clientHeight;
  const frames = [];
  let last = performance.now();
  const began = last;
  while (last - began < 4000) {
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - last);
    last = now;
    box.scrollTop = (box.scrollTop + 180) % most;
  }
  frames.sort((a, b) => a - b);
  return { fps: Math.round(1000 * frames.length / (last - began)), p95_ms: Math.round(frames[Math.floor(frames.length * 0.95)]), longest_ms: Math.round(frames.at(-1)) };
}`;

const WATCH = `async (length_ms) => {
  const frames = [];
  let last = performance.now();
  const began = last;
  while (last - began < length_ms) {
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return { longest_ms: Math.round(Math.max(...frames)), over_100_ms: frames.filter((each) => each > 100).length, fps: Math.round(1000 * frames.length / (last - began)) };
}`;

// From the key to the end of the frame that shows the answer: the count has changed, and rows are
// laid out and painted.
const FILTER = `async (text) => {
  const input = document.querySelector('.list-bar input[type=search]');
  const before = document.querySelector('.count').textContent;
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const began = performance.now();
  set.call(input, text);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  while (document.querySelector('.count').textContent === before && performance.now() - began < 5000) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return Math.round(performance.now() - began);
}`;

// Each shows another number of rows than the one before.
const KEYS = ['1', '12', '123', '', 'powered on', '', '7', '77', 'cpus>1', ''];

await run(async ({ browser, page, url, user, password }) => {
  const pause = (length_ms) => page.waitForTimeout(length_ms);
  let scripts = 0;
  page.on('response', async (response) => {
    if (response.url().endsWith('.js')) scripts += Number(response.headers()['content-length'] ?? 0);
  });
  await page.goto(`${url}/ui/#/list/vm`);
  await page.waitForSelector('#user');
  await pause(500);
  report('javascript_gzip_bytes', scripts);
  await page.fill('#user', user);
  await page.fill('#password', password);
  const entering = await traced(browser, page, async () => {
    const began = Date.now();
    await page.press('#password', 'Enter');
    await page.waitForSelector('.grid-row', { timeout: 120_000 });
    return Date.now() - began;
  });
  report('login_to_usable_ms', entering.value);
  report('login_work_ms', entering.page_ms);
  await page.waitForFunction(() => /\d/.test(document.querySelector('.grid-row .right')?.textContent ?? ''), undefined, { timeout: 120_000 });
  await pause(8000);
  report('machines', await page.textContent('.count'));
  report('grid_scroll', await page.evaluate(`(${SCROLL})('.grid')`));
  const { value: _, ...grid } = await traced(browser, page, () => page.evaluate(`(${SCROLL})('.grid')`));
  report('grid_scroll_work', grid);
  const times = [];
  for (const text of KEYS) {
    times.push(await page.evaluate(`(${FILTER})(${JSON.stringify(text)})`));
    await pause(300);
  }
  report('filter_ms', times);
  const work = [];
  for (const text of KEYS) {
    work.push((await traced(browser, page, () => page.evaluate(`(${FILTER})(${JSON.stringify(text)})`))).page_ms);
    await pause(300);
  }
  report('filter_work_ms', work);
  await page.click('.lenses button >> nth=1');
  for (let at = 0; at < 3; at++) {
    const shut = page.locator('.node[aria-expanded=false] .twist');
    if ((await shut.count()) === 0) break;
    await shut.first().click();
    await pause(300);
  }
  report('tree_scroll', await page.evaluate(`(${SCROLL})('.tree')`));
  const { value: __, ...tree } = await traced(browser, page, () => page.evaluate(`(${SCROLL})('.tree')`));
  report('tree_scroll_work', tree);
  report('while_figures_change', await page.evaluate(`(${WATCH})(25000)`));
  for (const [name, prepare] of [
    ['by name', async () => {}],
    ['by CPU use', async () => page.click('.grid-head button:has-text("CPU use")')],
    ['by CPU use, filtered', async () => page.evaluate(`(${FILTER})('1')`)],
  ]) {
    await prepare();
    const changing = await storm(page, 1000);
    const { value, ...cost } = await traced(browser, page, () => page.evaluate(`(${WATCH})(10000)`));
    report(`changes ${name}`, { ...value, ...(await changing.end()), ...cost });
  }
  report('heap_mib', await page.evaluate(() => Math.round((performance.memory?.usedJSHeapSize ?? 0) / 1048576)));
});
