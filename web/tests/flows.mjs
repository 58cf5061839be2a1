// What people do on a simulated world, each with a real effect that who runs this looks at: edit
// hardware, permissions, reasons against a migration, the preview of maintenance, deep links, and
// a place in a list that is never lost.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, login, picture, report, run, violations } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OFF = process.env.DROVER_OFF;
const ON = process.env.DROVER_ON;
const MAINTENANCE = process.env.DROVER_IN_MAINTENANCE;
const BUSY = process.env.DROVER_BUSY;
const dialog = (page) => page.locator('.pf-v6-c-modal-box');

async function look(page, name) {
  const found = await violations(page, axe);
  expect(found.length === 0, `${name} is accessible, but ${found.join('\n')}`);
  await picture(page, name);
}

async function machine(page, url, name) {
  await page.goto(`${url}/ui/#/list/vm?q=${encodeURIComponent(`name=${name}`)}`);
  await page.click(`.grid-row a.name:has-text("${name}")`);
  await page.waitForSelector(`h1:has-text("${name}")`);
}

const steps = {
  async hardware({ page, url }) {
    await machine(page, url, OFF);
    await page.click('#do-vm\\.edit');
    await dialog(page).getByLabel('Memory').fill('1028');
    await dialog(page).getByRole('button', { name: 'Add disk' }).click();
    await dialog(page).getByLabel('New disk').fill('3');
    await dialog(page).getByRole('button', { name: 'Add serial port' }).click();
    await look(page, 'edit-hardware');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).waitFor({ state: 'detached', timeout: 30_000 });
    await page.click('#tab-configure');
    await page.waitForSelector('td:has-text("3 GiB")');
    await page.waitForSelector('td:has-text("SerialPort")');
  },

  async permissions({ page, url }) {
    await machine(page, url, OFF);
    await page.click('#tab-permissions');
    await page.getByRole('button', { name: 'Add permission' }).click();
    const add = dialog(page).getByRole('button', { name: 'Add', exact: true });
    expect((await add.getAttribute('data-reason')) === 'Whom is it for?', 'the button says what is missing');
    await dialog(page).getByLabel('User or group').fill('watcher');
    await look(page, 'add-permission');
    await add.click();
    await page.waitForSelector('td:has-text("watcher")');
    const inherited = page.getByRole('button', { name: 'Remove the permission of administrator' });
    expect(/^It was given on .*: remove it there\.$/.test(await inherited.getAttribute('data-reason')), 'what is inherited says where it comes from');
    await look(page, 'permissions');
  },

  async reasons({ page, url }) {
    await machine(page, url, ON);
    await page.click('.btn-actions');
    const off = page.locator('[data-action="vm.powerOn"]');
    expect((await off.getAttribute('aria-disabled')) === 'true' && /is on already/.test(await off.textContent()), 'what can not be done says why');
    await look(page, 'menu');
    await page.keyboard.press('Escape');
  },

  async migrate({ page, url }) {
    await machine(page, url, ON);
    await page.click('#do-vm\\.migrate');
    const row = page.locator(`.wizard tr:has-text("${MAINTENANCE}")`);
    await row.waitFor({ timeout: 30_000 });
    const said = await row.locator('.reasons .bad').allTextContents();
    expect(said.length >= 2 && said.some((each) => /maintenance/i.test(each)), `every reason at once, not only ${JSON.stringify(said)}`);
    expect(said.filter((each) => /maintenance/i.test(each)).length === 1, `each reason once, not ${JSON.stringify(said)}`);
    expect(await row.locator('input').isDisabled(), 'a host that can not take it can not be chosen');
    await look(page, 'migrate-reasons');
    await page.keyboard.press('Escape');
    report('reasons', said);
  },

  async maintenance({ page, url }) {
    await page.goto(`${url}/ui/#/list/host?q=${encodeURIComponent(BUSY)}`);
    await page.click(`.grid-row a.name:has-text("${BUSY}")`);
    await page.click('#do-host\\.maintenance');
    await dialog(page).locator('td.bad').first().waitFor({ timeout: 30_000 });
    expect(/machines can.t move by themselves/.test(await dialog(page).textContent()), 'the preview says what is in the way');
    await look(page, 'maintenance-preview');
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  },

  async list({ page, url }) {
    await page.goto(`${url}/ui/#/list/vm`);
    await page.waitForSelector('.grid-row');
    const cells = () => page.locator('.grid-row >> nth=0').locator('[role=gridcell]').count();
    const before = await cells();
    await page.click('.list-bar button:has-text("Columns")');
    await page.click('[role=menuitemcheckbox]:has-text("Status")');
    await page.waitForSelector('.grid-head >> text=Status', { state: 'detached' });
    expect((await cells()) === before - 1, 'a column that is hidden is gone from the rows too');
    await page.click('.grid-head button:has-text("CPUs")');
    await page.waitForSelector('.grid-head [aria-sort=ascending] >> text=CPUs');
    await page.focus('.grid');
    await page.keyboard.press('End');
    await page.waitForSelector('.grid-row.current.selected');
    const last = await page.evaluate(() => document.querySelector('.grid-row.current').getBoundingClientRect().bottom <= document.querySelector('.grid').getBoundingClientRect().bottom + 1);
    expect(last, 'the keyboard takes the list along');
    await page.keyboard.press('Shift+F10');
    await page.waitForSelector('.menu [data-action="vm.edit"]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+a');
    await page.waitForSelector('.count:has-text("40 of 40 selected")');
    await page.keyboard.press('Escape');
  },

  async scroll({ page, url }) {
    await page.goto(`${url}/ui/#/list/vm`);
    await page.waitForSelector('.grid-row');
    await page.setViewportSize({ width: 1440, height: 560 });
    const at = () => page.evaluate(() => document.querySelector('.grid').scrollTop);
    await page.evaluate(() => document.querySelector('.grid').scrollTo(0, 190));
    await page.waitForTimeout(2500);
    expect((await at()) === 190, 'changes do not move the list');
    await page.locator('.grid-row a.name').nth(12).click();
    await page.waitForSelector('.page-summary');
    await page.goBack();
    await page.waitForSelector('.grid-row');
    expect((await at()) === 190, `going back finds the place, not ${await at()}`);
    await page.setViewportSize({ width: 1440, height: 900 });
  },

  async deepLink({ page, url, context, user, password }) {
    await machine(page, url, ON);
    const hash = new URL(page.url()).hash.replace(/[^/]*$/, 'monitor?show=events');
    await context.clearCookies();
    await page.goto('about:blank');
    await login(page, url, user, password, hash);
    await page.waitForSelector(`h1:has-text("${ON}")`);
    await page.waitForSelector('.subtabs [aria-pressed=true]:has-text("Events")');
  },
};

await run(async (test) => {
  await login(test.page, test.url, test.user, test.password);
  for (const [name, step] of Object.entries(steps)) {
    const began = Date.now();
    await step(test);
    report(name, `${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
});
