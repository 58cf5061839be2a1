// An alarm is raised, seen everywhere, looked after, and gone when its cause is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, inBothModes, login, picture, report, run, violations } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ALARM = process.env.DROVER_ALARM;
const MACHINE = process.env.DROVER_MACHINE;

async function look(page, name) {
  await inBothModes(page, async (mode) => {
    const found = await violations(page, axe);
    expect(found.length === 0, `${name} is accessible (${mode}), but ${found.join('\n')}`);
    await picture(page, `${name}-${mode}`);
  });
}

await run(async ({ page, url, user, password }) => {
  await login(page, url, user, password, `#/list/vm?q=${encodeURIComponent(`name=${MACHINE}`)}`);
  await page.waitForSelector('.grid-row .icon-bad', { timeout: 60_000 });
  await page.click('.dock-tab:has-text("Alarms")');
  const inDock = page.locator(`.dock tr:has-text("${ALARM}"):has-text("${MACHINE}")`);
  await inDock.waitFor({ timeout: 30_000 });
  await page.click('.grid-row a.name');
  await page.click('#tab-monitor');
  await page.click('.subtabs button:has-text("Alarms")');
  const onPage = page.locator(`.page tr:has-text("${ALARM}")`);
  await onPage.waitFor();
  await look(page, 'alarms');
  await onPage.getByRole('button', { name: 'Acknowledge' }).click();
  await page.locator(`.page tr:has-text("${ALARM}") >> text=${user}`).waitFor({ timeout: 30_000 });
  await page.locator(`.dock tr:has-text("${ALARM}"):has-text("${MACHINE}") >> text=${user}`).waitFor();
  report('acknowledged', await onPage.textContent());
  await page.click('#do-vm\\.powerOn');
  await page.getByText('No alarm is raised').first().waitFor({ timeout: 60_000 });
  await inDock.waitFor({ state: 'detached', timeout: 30_000 });
});
