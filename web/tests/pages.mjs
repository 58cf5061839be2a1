// Every page of a simulated world: opens without a complaint, passes axe in light and dark, shows
// hostile names as text, and keeps what cannot be done visible with its reason.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, inBothModes, login, picture, report, run, violations } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HOSTILE = process.env.DROVER_HOSTILE ?? '';

const PAGES = [
  ['start', '#/', '.panel'],
  ['machines', '#/list/vm', '.grid-row'],
  ['hosts', '#/list/host', '.grid-row'],
  ['datastores', '#/list/datastore', '.grid-row'],
  ['networks', '#/list/network', '.grid-head'],
  ['roles', '#/roles', '.privileges'],
  ['start-configure', '#/folder/group-d1/configure', '.panel tbody'],
];
const TABS = {
  vm: ['summary', 'monitor', 'monitor?show=events', 'monitor?show=alarms', 'monitor?show=tasks', 'configure', 'permissions', 'related', 'console'],
  host: ['summary', 'monitor', 'configure', 'permissions', 'related'],
  cluster: ['summary', 'monitor', 'monitor?show=drs', 'monitor?show=alarms', 'configure', 'related'],
  datastore: ['summary', 'monitor', 'configure', 'files', 'related'],
  network: ['summary', 'monitor', 'configure', 'related'],
};

async function look(page, name, found, part) {
  // Contents that come a moment later are part of the page.
  await page.waitForTimeout(400);
  await inBothModes(page, async (mode) => {
    for (const each of await violations(page, axe, mode === 'dark' ? ['color-contrast'] : undefined, part)) found.push(`${name} (${mode}): ${each}`);
    await picture(page, `${name}-${mode}`);
  });
}

await run(async ({ page, url, user, password, context }) => {
  const found = [];
  await page.goto(`${url}/`);
  await page.waitForSelector('#user');
  await look(page, 'login', found);
  await page.fill('#user', user);
  await page.fill('#password', 'wrong');
  await page.press('#password', 'Enter');
  await page.waitForSelector('text=The user name or the password is wrong.');
  await login(page, url, user, password);
  const cookie = (await context.cookies()).find((each) => each.name === 'vmware_soap_session');
  expect(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Strict', 'the session cookie is out of reach');

  for (const [name, hash, selector] of PAGES) {
    await page.goto(`${url}/ui/${hash}`);
    await page.waitForSelector(selector);
    await look(page, name, found);
  }
  for (const [kind, tabs] of Object.entries(TABS)) {
    await page.goto(`${url}/ui/#/list/${kind}${kind === 'vm' ? '?q=web' : ''}`);
    await page.click('.grid-row >> nth=0 >> a.name');
    await page.waitForSelector('#tab-panel');
    const base = page.url().replace(/[^/]*$/, '');
    for (const tab of tabs) {
      await page.goto(base + tab);
      // The frame around them is looked at with the start page.
      await look(page, `${kind}-${tab.replace(/\W+/g, '-')}`, found, '.workspace');
    }
  }
  if (HOSTILE) {
    await page.goto(`${url}/ui/#/list/vm?q=onerror`);
    await page.waitForSelector('.grid-row');
    expect((await page.textContent('.grid-row .name')) === HOSTILE, 'a hostile name is shown as it is');
    await page.click('.grid-row a.name');
    await page.waitForSelector('h1');
    expect((await page.textContent('h1')) === HOSTILE, 'a hostile name is a title like any other');
    expect((await page.evaluate(() => window.hacked)) === undefined, 'a hostile name runs nothing');
  }
  report('violations', found);
  expect(found.length === 0, `no violations, but\n${[...new Set(found)].join('\n')}`);
});
