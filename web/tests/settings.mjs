// What is set up once, each with a real effect that who runs this looks at: rules and high
// availability of a cluster, definitions of alarms, datastores.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, inBothModes, login, picture, report, run, violations } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CLUSTER = process.env.DROVER_CLUSTER;
const [FIRST, SECOND, THIRD] = process.env.DROVER_MACHINES.split(',');
const [HOST, OTHER_HOST] = process.env.DROVER_HOSTS.split(',');
const OFF = process.env.DROVER_OFF;
const [LOCAL, SHARED] = process.env.DROVER_DIRECTORIES.split(',');
const dialog = (page) => page.locator('.pf-v6-c-modal-box');
const panel = (page, title) => page.locator(`.panel[aria-label="${title}"]`);
const row = (page, title, text) => panel(page, title).locator('tbody tr').filter({ has: page.getByText(text, { exact: true }) });

async function look(page, name) {
  await inBothModes(page, async (mode) => {
    const found = await violations(page, axe);
    expect(found.length === 0, `${name} is accessible (${mode}), but ${found.join('\n')}`);
    await picture(page, `${name}-${mode}`);
  });
}

async function configure(page, url, kind, name) {
  await page.goto(`${url}/ui/#/list/${kind}?q=${encodeURIComponent(`name=${name}`)}`);
  await page.locator('.grid-row a.name').filter({ hasText: name }).first().click();
  await page.click('#tab-configure');
}

async function submit(page, label) {
  await dialog(page).getByRole('button', { name: label, exact: true }).click();
  await dialog(page).waitFor({ state: 'detached', timeout: 30_000 });
}

const steps = {
  async machinesAreKeptApart({ page, url }) {
    await configure(page, url, 'cluster', CLUSTER);
    await page.getByRole('button', { name: 'Add rule' }).click();
    const add = dialog(page).getByRole('button', { name: 'Add', exact: true });
    expect((await add.getAttribute('data-reason')) === 'It needs a name.', 'the button says what is missing');
    await dialog(page).getByLabel('Name', { exact: true }).fill('Never together');
    await dialog(page).getByLabel('Keep machines apart', { exact: true }).check();
    await dialog(page).getByLabel('Filter machines').fill(FIRST);
    await dialog(page).getByRole('checkbox', { name: FIRST, exact: true }).check();
    expect((await add.getAttribute('data-reason')) === 'It takes two machines or more.', 'one machine is not enough');
    await dialog(page).getByLabel('Filter machines').fill(SECOND);
    await dialog(page).getByRole('checkbox', { name: SECOND, exact: true }).check();
    await dialog(page).getByLabel('Filter machines').fill('');
    await look(page, 'edit-rule');
    await submit(page, 'Add');
    const rule = row(page, 'Rules', 'Never together');
    await rule.getByText('Not kept').waitFor({ timeout: 30_000 });
    expect((await rule.textContent()).includes(SECOND), 'a rule names its machines');
  },

  async aRuleIsChangedByKeyboard({ page }) {
    await page.getByRole('button', { name: 'Edit rule Never together' }).focus();
    await page.keyboard.press('Enter');
    await dialog(page).getByLabel('Filter machines').fill(THIRD);
    await dialog(page).getByRole('checkbox', { name: THIRD, exact: true }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await dialog(page).waitFor({ state: 'detached', timeout: 30_000 });
    await row(page, 'Rules', 'Never together').getByText(THIRD).waitFor({ timeout: 30_000 });
    await page.getByLabel('Rule Never together counts').click();
    await page.waitForFunction(() => document.querySelector('[aria-label="Rule Never together counts"]').checked === false, undefined, { timeout: 30_000 });
  },

  async machinesKeepToHosts({ page }) {
    for (const name of ['Licensed here', 'A mistake']) {
      await page.getByRole('button', { name: 'Add rule' }).click();
      await dialog(page).getByLabel('Name', { exact: true }).fill(name);
      await dialog(page).getByLabel('Run on these hosts', { exact: true }).check();
      await dialog(page).getByLabel('Filter machines').fill(FIRST);
      await dialog(page).getByRole('checkbox', { name: FIRST, exact: true }).check();
      await dialog(page).getByRole('checkbox', { name: HOST, exact: true }).check();
      await dialog(page).getByLabel('Always', { exact: true }).check();
      if (name === 'Licensed here') await look(page, 'edit-host-rule');
      await submit(page, 'Add');
      await row(page, 'Rules', name).getByText('Kept', { exact: true }).waitFor({ timeout: 30_000 });
    }
    await look(page, 'cluster-rules');
    await page.getByRole('button', { name: 'Remove rule A mistake' }).click();
    await submit(page, 'Remove');
    await row(page, 'Rules', 'A mistake').waitFor({ state: 'detached', timeout: 30_000 });
  },

  async anAlarmIsDefined({ page, url }) {
    await configure(page, url, 'vm', OFF);
    await panel(page, 'Alarm definitions').getByText('Virtual machine CPU usage').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'New alarm' }).click();
    await dialog(page).getByLabel('Name', { exact: true }).fill('It should run');
    await look(page, 'edit-alarm');
    await page.getByRole('button', { name: 'Remove trigger 1' }).click();
    const create = dialog(page).getByRole('button', { name: 'Create', exact: true });
    expect((await create.getAttribute('data-reason')) === 'What triggers it?', 'the button says what is missing');
    await dialog(page).getByRole('button', { name: 'Add state' }).click();
    await dialog(page).getByLabel('Alert').selectOption('poweredOff');
    await submit(page, 'Create');
    await row(page, 'Alarm definitions', 'It should run').getByText('Power is powered off').waitFor({ timeout: 30_000 });
    await page.click('.dock-tab:has-text("Alarms")');
    const raised = page.locator(`.dock tr:has-text("It should run"):has-text("${OFF}")`);
    await raised.waitFor({ timeout: 30_000 });
    await look(page, 'alarm-definitions');
    await page.getByRole('button', { name: 'Edit alarm It should run' }).click();
    await dialog(page).getByLabel('Name', { exact: true }).fill('It must run');
    await submit(page, 'Save');
    await row(page, 'Alarm definitions', 'It must run').waitFor({ timeout: 30_000 });
    await page.getByLabel('Alarm It must run is on').click();
    await raised.waitFor({ state: 'detached', timeout: 30_000 });
  },

  async anAlarmOfAnEventComesAndGoes({ page, url }) {
    await configure(page, url, 'cluster', CLUSTER);
    const define = async (name) => {
      await page.getByRole('button', { name: 'New alarm' }).click();
      await dialog(page).getByLabel('Name', { exact: true }).fill(name);
      await dialog(page).getByLabel('Watches').selectOption('VirtualMachine');
      await page.getByRole('button', { name: 'Remove trigger 1' }).click();
      await dialog(page).getByRole('button', { name: 'Add event' }).click();
      await dialog(page).getByLabel('Event', { exact: true }).locator('option[value="VmPoweredOnEvent"]').waitFor({ state: 'attached', timeout: 30_000 });
      await dialog(page).getByLabel('Event', { exact: true }).selectOption('VmPoweredOnEvent');
      await dialog(page).getByLabel('Then').selectOption('yellow');
    };
    await define('It was started');
    await look(page, 'edit-event-alarm');
    await submit(page, 'Create');
    await row(page, 'Alarm definitions', 'It was started').waitFor({ timeout: 30_000 });
    await define('It was started');
    await dialog(page).getByRole('button', { name: 'Create', exact: true }).click();
    await dialog(page).getByText(/It was started/).last().waitFor();
    await dialog(page).locator('.pf-v6-c-alert').waitFor({ timeout: 30_000 });
    report('duplicate', await dialog(page).locator('.pf-v6-c-alert').textContent());
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    await page.goto(`${url}/ui/#/list/vm?q=${encodeURIComponent(`name=${OFF}`)}`);
    await page.locator('.grid-row a.name').click();
    await page.click('#do-vm\\.powerOn');
    await page.locator(`.dock tr:has-text("It was started"):has-text("${OFF}")`).waitFor({ timeout: 30_000 });
    await configure(page, url, 'cluster', CLUSTER);
    await page.getByRole('button', { name: 'Remove alarm It was started' }).click();
    await submit(page, 'Remove');
    await page.locator('.dock tr:has-text("It was started")').waitFor({ state: 'detached', timeout: 30_000 });
  },

  // After a machine was started: it is too full for a cluster that is to bear a failure.
  async availabilityIsSwitchedOn({ page }) {
    await page.getByRole('button', { name: 'Edit HA…' }).click();
    await dialog(page).getByLabel('HA is on').check();
    await dialog(page).getByLabel('Restart priority').selectOption('high');
    await dialog(page).getByLabel('Shut down', { exact: true }).check();
    await look(page, 'edit-ha');
    await submit(page, 'Save');
    await panel(page, 'HA').locator('dd >> text=High').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Add machines' }).click();
    const save = dialog(page).getByRole('button', { name: 'Save', exact: true });
    expect((await save.getAttribute('data-reason')) === 'For which machines?', 'the button says what is missing');
    for (const name of [FIRST, SECOND]) {
      await dialog(page).getByLabel('Filter machines').fill(name);
      await dialog(page).getByRole('checkbox', { name, exact: true }).check();
    }
    await dialog(page).getByLabel('Restart priority').selectOption('highest');
    await look(page, 'edit-ha-machines');
    await submit(page, 'Save');
    const title = 'Machines with HA settings of their own';
    await row(page, title, FIRST).getByText('Highest').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: `Edit HA of ${FIRST}` }).click();
    await dialog(page).getByLabel('Restart priority').selectOption('disabled');
    await submit(page, 'Save');
    await row(page, title, FIRST).getByText('Not restarted').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: `Treat ${SECOND} as the cluster says` }).click();
    await row(page, title, SECOND).waitFor({ state: 'detached', timeout: 30_000 });
    await look(page, 'cluster-configure');
  },

  async aHostGetsADatastore({ page, url }) {
    await configure(page, url, 'host', HOST);
    await page.getByRole('button', { name: 'Add datastore…' }).click();
    expect(await dialog(page).getByLabel('NFS export').isDisabled(), 'what hosts do not do can not be chosen');
    await dialog(page).getByText(/mount it on each host/).waitFor();
    const add = dialog(page).getByRole('button', { name: 'Add', exact: true });
    await dialog(page).getByLabel('Name', { exact: true }).fill('Second');
    await dialog(page).getByLabel('Directory', { exact: true }).last().fill('srv');
    expect(/begins with a slash/.test(await add.getAttribute('data-reason')), 'the button says what is wrong');
    await dialog(page).getByLabel('Directory', { exact: true }).last().fill('/no/such/directory');
    await add.click();
    await dialog(page).locator('.pf-v6-c-alert').waitFor({ timeout: 30_000 });
    report('no_directory', await dialog(page).locator('.pf-v6-c-alert').textContent());
    await look(page, 'add-datastore');
    await dialog(page).getByLabel('Directory', { exact: true }).last().fill(LOCAL);
    await submit(page, 'Add');
    await row(page, 'Datastores', 'Second').waitFor({ timeout: 30_000 });
    await look(page, 'host-configure');
  },

  async hostsShareADatastore({ page }) {
    await page.click('.lenses button >> nth=2');
    await page.locator('.node:has-text("DC")').first().click({ button: 'right' });
    await page.locator('.menu [data-action="place.newDatastore"]').click();
    await dialog(page).getByLabel('Name', { exact: true }).fill('Both');
    await dialog(page).getByLabel('Directory', { exact: true }).last().fill(SHARED);
    for (const name of [HOST, OTHER_HOST]) await dialog(page).getByRole('checkbox', { name, exact: true }).check();
    await look(page, 'add-shared-datastore');
    await submit(page, 'Add');
    await row(page, 'Datastores', 'Both').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: `Remove Second from ${HOST}` }).click();
    await submit(page, 'Remove');
    await row(page, 'Datastores', 'Second').waitFor({ state: 'detached', timeout: 30_000 });
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
