// The first hour on a real cluster: upload an ISO, make a machine of it, type at its console, move
// it, put its host into maintenance mode. Who runs this looks at the real effects.
import { expect, login, picture, report, run } from './browser.mjs';

const NAME = process.env.DROVER_MACHINE ?? 'web-made';
const ISO = process.env.DROVER_ISO;
const TARGET = process.env.DROVER_TARGET;

async function upload(page, url) {
  await page.goto(`${url}/ui/#/list/datastore`);
  await page.click('.grid-row:has-text("shared") a.name');
  await page.click('#tab-files');
  await page.waitForSelector('.files table');
  // As a drop from the desktop does it.
  await page.setInputFiles('input[type=file]', ISO);
  await page.waitForSelector('.transfer-done', { timeout: 60_000 });
  await page.waitForSelector('.files td:has-text("uploaded.iso")');
  await picture(page, 'files');
}

async function create(page, url) {
  await page.goto(`${url}/ui/#/list/host`);
  await page.click('.grid-row >> nth=0', { button: 'right' });
  await page.click('[data-action="host.newVm"]');
  const wizard = page.locator('.wizard');
  expect(await wizard.getByText('The machine needs a name.').isVisible(), 'the wizard says what is missing');
  await wizard.getByLabel('Name', { exact: true }).fill(NAME);
  await wizard.getByRole('button', { name: 'Next' }).click();
  await wizard.getByLabel('Memory').fill('256');
  await wizard.getByLabel('Disk', { exact: true }).fill('1');
  await wizard.getByLabel('Serial port, with a text console in the browser').check();
  await wizard.getByRole('button', { name: 'Next' }).click();
  await wizard.locator('option[value="[shared] uploaded.iso"]').waitFor({ state: 'attached', timeout: 20_000 });
  await wizard.getByLabel('ISO image').selectOption('[shared] uploaded.iso');
  await wizard.getByRole('button', { name: 'Next' }).click();
  await picture(page, 'create');
  await wizard.getByRole('button', { name: 'Create' }).click();
  await page.waitForSelector(`h1:has-text("${NAME}")`, { timeout: 30_000 });
  await page.waitForSelector('.badge-powered-on', { timeout: 120_000 });
}

async function typeAtConsole(page) {
  await page.click('#tab-summary');
  await page.waitForSelector('.facts >> text=/^Running$/', { timeout: 300_000 });
  await page.click('#tab-console');
  await page.waitForSelector('.console-screen[data-state=connected] canvas', { timeout: 30_000 });
  await page.click('.console-screen canvas');
  await page.keyboard.type('hostname typed-in-browser\n', { delay: 40 });
  await picture(page, 'console');
  await page.click('#tab-summary');
  await page.waitForSelector('.facts >> text=typed-in-browser', { timeout: 90_000 });
}

async function typeAtSerial(page) {
  await page.click('#tab-console');
  await page.click('.console-bar button:has-text("Serial port 1")');
  await page.waitForSelector('.console-serial[data-state=connected]', { timeout: 30_000 });
  await page.click('.console-serial .xterm-screen');
  await page.keyboard.type('\nhostname at-serial; echo x$((6*7))y\n', { delay: 30 });
  // The guest's own words come back.
  await page.waitForSelector('.console-serial .xterm-rows >> text=x42y', { timeout: 30_000 });
  expect((await page.locator('.console-serial .xterm-rows').evaluate((rows) => getComputedStyle(rows).color)) !== 'rgb(0, 0, 0)', 'the terminal has its colours');
  await picture(page, 'serial');
  await page.click('#tab-summary');
  await page.waitForSelector('.facts >> text=at-serial', { timeout: 90_000 });
  await picture(page, 'machine');
  await page.click('#tab-monitor');
  await page.waitForSelector('.chart:not(:has(.chart-empty)) canvas', { timeout: 60_000 });
  await picture(page, 'charts');
  await page.click('#tab-summary');
}

async function migrate(page) {
  await page.click('#do-vm\\.migrate');
  const wizard = page.locator('.wizard');
  await wizard.getByText('It is there already.').waitFor({ timeout: 30_000 });
  await wizard.getByLabel(TARGET).check();
  await picture(page, 'migrate');
  await wizard.getByRole('button', { name: 'Next' }).click();
  await wizard.locator('footer').getByRole('button', { name: 'Migrate' }).click();
  await page.waitForSelector(`.facts a:has-text("${TARGET}")`, { timeout: 240_000 });
}

async function moveFiles(page) {
  await page.click('#do-vm\\.migrate');
  const wizard = page.locator('.wizard');
  await wizard.getByLabel('Datastore', { exact: true }).check();
  await wizard.getByText('It is there already.').waitFor({ timeout: 30_000 });
  await wizard.getByLabel('local', { exact: true }).check();
  await wizard.getByRole('button', { name: 'Next' }).click();
  await wizard.locator('footer').getByRole('button', { name: 'Migrate' }).click();
  await page.waitForSelector(`.facts dd:has-text("[local]")`, { timeout: 240_000 });
  await page.click('#tab-monitor');
  await page.click('.subtabs button:has-text("Events")');
  await page.waitForSelector('.events tbody tr');
  await picture(page, 'events');
  await page.click('#tab-summary');
}

async function maintenance(page) {
  await page.click(`.facts a:has-text("${TARGET}")`);
  await page.waitForSelector('.panel[aria-label="Machines"]');
  await picture(page, 'host');
  await page.click('#do-host\\.maintenance');
  await page.waitForSelector(`.pf-v6-c-modal-box td:has-text("${NAME}")`, { timeout: 30_000 });
  await page.click('.pf-v6-c-modal-box button:has-text("Cancel")');
}

await run(async ({ page, url, user, password }) => {
  await login(page, url, user, password);
  for (const [name, step] of [['upload', upload], ['create', create], ['console', typeAtConsole], ['serial', typeAtSerial], ['migrate', migrate], ['moveFiles', moveFiles], ['maintenance', maintenance]]) {
    const began = Date.now();
    await step(page, url);
    report(name, `${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
});
