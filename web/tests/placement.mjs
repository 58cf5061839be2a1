// Where machines run and where their files are, on two simulated hosts: DRS is switched on, says
// what it would do and why the rest stays, and does it when told to; files move to another
// datastore. Who runs this looks at the real effects.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, inBothModes, login, picture, report, run, violations } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CLUSTER = process.env.DROVER_CLUSTER;
const RESTING = process.env.DROVER_RESTING;
const dialog = (page) => page.locator('.pf-v6-c-modal-box');
const panel = (page, title) => page.locator(`.panel[aria-label="${title}"]`);

async function look(page, name) {
  await inBothModes(page, async (mode) => {
    const found = await violations(page, axe);
    expect(found.length === 0, `${name} is accessible (${mode}), but ${found.join('\n')}`);
    await picture(page, `${name}-${mode}`);
  });
}

async function openCluster(page, url) {
  await page.goto(`${url}/ui/#/list/cluster`);
  await page.click(`.grid-row a.name:has-text("${CLUSTER}")`);
  await page.click('#tab-monitor');
  await page.click('.subtabs button:has-text("DRS")');
}

const steps = {
  async drsIsSwitchedOn({ page, url }) {
    await openCluster(page, url);
    await page.getByText('DRS is off').waitFor();
    await page.getByRole('button', { name: 'Edit DRS' }).click();
    await dialog(page).getByLabel('DRS is on').check();
    await dialog(page).getByLabel('Manual', { exact: true }).check();
    await look(page, 'drs-edit');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).waitFor({ state: 'detached', timeout: 30_000 });
    await panel(page, 'DRS').locator('dd >> text=Manual').waitFor();
  },

  async itSaysWhatItWouldDo({ page }) {
    await page.getByRole('button', { name: 'Think again' }).click();
    const advice = panel(page, 'Recommendations').locator('tbody tr');
    await advice.waitFor({ timeout: 90_000 });
    expect(/CPU/.test(await advice.textContent()), 'a recommendation says why');
    await panel(page, 'How well machines are served').locator('button:has-text("Why does it stay?")').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.panel[aria-label="How well machines are served"] tbody td:last-child span').length > 0);
    await page.waitForTimeout(300);
    report('why', await panel(page, 'How well machines are served').locator('tbody td:last-child span').first().textContent());
    await look(page, 'drs');
  },

  async itDoesWhatItIsTold({ page }) {
    const name = await panel(page, 'Recommendations').locator('tbody tr td').first().textContent();
    await panel(page, 'Recommendations').getByRole('button', { name: 'Carry out' }).click();
    await panel(page, 'Moves made').locator(`tbody tr:has-text("${name}")`).waitFor({ timeout: 60_000 });
    await look(page, 'drs-moved');
    report('moved', name);
  },

  async itsChartsSayThatItMoved({ page, url }) {
    const name = await panel(page, 'Moves made').locator('tbody tr td >> nth=1').textContent();
    await page.goto(`${url}/ui/#/list/vm?q=${encodeURIComponent(`name=${name}`)}`);
    await page.click(`.grid-row a.name:has-text("${name}")`);
    await page.click('#tab-monitor');
    await page.getByText(/It moved from .* to .* at /).waitFor({ timeout: 30_000 });
    report('charts_say', await page.locator('.performance .pf-v6-c-alert').first().textContent());
    await look(page, 'charts-moved');
  },

  async filesMove({ page, url }) {
    await page.goto(`${url}/ui/#/list/vm?q=${encodeURIComponent(`name=${RESTING}`)}`);
    await page.click(`.grid-row a.name:has-text("${RESTING}")`);
    await page.click('#do-vm\\.migrate');
    await dialog(page).getByLabel('Datastore', { exact: true }).check();
    await dialog(page).getByText('It is there already.').waitFor({ timeout: 30_000 });
    await dialog(page).locator('input[aria-label^="local"]').first().check();
    await look(page, 'migrate-storage');
    await dialog(page).getByRole('button', { name: 'Next' }).click();
    await dialog(page).getByText(/shared → local/).waitFor();
    await dialog(page).locator('footer').getByRole('button', { name: 'Migrate' }).click();
    await page.waitForSelector(`.facts dd:has-text("[local")`, { timeout: 60_000 });
  },

  async bothMove({ page }) {
    await page.click('#do-vm\\.migrate');
    await dialog(page).getByLabel('Host and datastore', { exact: true }).check();
    await dialog(page).getByText('It is there already.').waitFor({ timeout: 30_000 });
    await dialog(page).locator('.choices input:enabled').check();
    await dialog(page).getByRole('button', { name: 'Next' }).click();
    await dialog(page).getByLabel('shared', { exact: true }).check({ timeout: 30_000 });
    await look(page, 'migrate-both');
    await dialog(page).getByRole('button', { name: 'Next' }).click();
    await dialog(page).locator('footer').getByRole('button', { name: 'Migrate' }).click();
    await page.waitForSelector(`.facts dd:has-text("[shared]")`, { timeout: 60_000 });
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
