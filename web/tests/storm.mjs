// So many changes a second as one asks for, on the page's own stream: answers to WaitForUpdatesEx
// are made here, of machines that the server has, so that what is measured is the page.
const PAUSE_MS = 100;

export async function storm(page, a_second) {
  const machines = await page.evaluate(async () => {
    const path = '/sdk/vim25/8.0.3.0';
    const unbox = (value) => value?._value ?? value;
    const ask = async (address, body) => (await fetch(path + address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).json();
    const content = await (await fetch(`${path}/ServiceInstance/ServiceInstance/content`)).json();
    const view = await ask(`/ViewManager/${content.viewManager.value}/CreateContainerView`, { container: content.rootFolder, type: ['VirtualMachine'], recursive: true });
    return unbox(await (await fetch(`${path}/ContainerView/${view.value}/view`)).json()).map((each) => each.value);
  });
  let sent = 0;
  let last = Date.now();
  let ended = false;
  const pattern = '**/WaitForUpdatesEx';
  let first;
  const started = new Promise((done) => (first = done));
  await page.route(pattern, async (route) => {
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    if (ended) return route.continue().catch(() => {});
    const count = Math.min(2000, Math.round(((Date.now() - last) * a_second) / 1000));
    last = Date.now();
    sent += count;
    first();
    const objectSet = Array.from({ length: count }, () => ({
      kind: 'modify', obj: { type: 'VirtualMachine', value: machines[Math.floor(Math.random() * machines.length)] },
      changeSet: [
        change('summary.quickStats.overallCpuUsage', 'int', Math.floor(Math.random() * 4000)),
        change('runtime.powerState', 'VirtualMachinePowerState', Math.random() < 0.5 ? 'poweredOn' : 'poweredOff'),
      ],
    }));
    const { version } = JSON.parse(route.request().postData());
    const answer = { _typeName: 'UpdateSet', version, filterSet: [{ filter: { type: 'PropertyFilter', value: 'storm' }, objectSet }] };
    await route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify(answer) }).catch(() => {});
  });
  await started;
  last = Date.now();
  const from = Date.now();
  sent = 0;
  return {
    async end() {
      const figures = { changes_a_second: Math.round((1000 * sent) / (Date.now() - from)) };
      ended = true;
      await page.unroute(pattern);
      return figures;
    },
  };
}

function change(name, type, value) {
  return { name, op: 'assign', val: { _typeName: type, _value: value } };
}
