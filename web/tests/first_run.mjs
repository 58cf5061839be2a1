// An empty center, and a person who follows what the page says: datacenter, cluster, host. The
// host's thumbprint is shown before it is trusted.
import { expect, login, picture, report, run } from './browser.mjs';

async function fillAndSubmit(page, fields, button) {
  const dialog = page.locator('.pf-v6-c-modal-box');
  for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value);
  await dialog.getByRole('button', { name: button }).click();
}

await run(async ({ page, url, user, password }) => {
  await login(page, url, user, password);
  const next = page.locator('.first-steps .next');
  await next.getByRole('button', { name: 'New datacenter' }).click();
  const create = page.locator('.pf-v6-c-modal-box').getByRole('button', { name: 'Create' });
  expect((await create.getAttribute('data-reason')) === 'It needs a name.', 'a button that is off says why');
  await fillAndSubmit(page, { Name: 'Berlin' }, 'Create');
  await next.getByRole('button', { name: 'New cluster' }).click();
  await fillAndSubmit(page, { Name: 'Rack' }, 'Create');
  await next.getByRole('button', { name: 'Add host' }).click();
  await fillAndSubmit(page, { 'Name or address': process.env.DROVER_HOST, User: process.env.DROVER_HOST_USER, Password: process.env.DROVER_HOST_PASSWORD }, 'Add host');
  await page.waitForSelector('.thumbprint', { timeout: 30_000 });
  const thumbprint = await page.textContent('.thumbprint');
  expect(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/.test(thumbprint), `a thumbprint, not ${thumbprint}`);
  await picture(page, 'add-host');
  await page.locator('.pf-v6-c-modal-box').getByRole('button', { name: 'Trust and add' }).click();
  await page.waitForSelector('.pf-v6-c-modal-box', { state: 'detached', timeout: 60_000 });
  await page.waitForSelector('.first-steps .done >> text=Add a host', { timeout: 30_000 });
  await picture(page, 'first-steps');
  report('thumbprint', thumbprint);
});
