// The connection breaks in the middle of an upload: the page says so, and goes on by itself where
// it was. Between page and server is a relay that cuts every connection after so many bytes.
import net from 'node:net';
import { expect, login, picture, report, run } from './browser.mjs';

const CUT_AFTER = Number(process.env.DROVER_CUT_AFTER);
const SILENT_MS = 1000;

function relay(target) {
  const sockets = new Set();
  let carried = 0;
  let silent = false;
  const cut = () => {
    silent = true;
    for (const each of sockets) each.destroy();
    setTimeout(() => (silent = false), SILENT_MS);
  };
  const server = net.createServer((client) => {
    if (silent) return client.destroy();
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const each of [client, upstream]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => {
        sockets.delete(each);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      const before = carried;
      carried += data.length;
      if (before < CUT_AFTER && carried >= CUT_AFTER) cut();
    });
    client.pipe(upstream).pipe(client);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

const server = await relay(new URL(process.env.DROVER_URL));
await run(async ({ page, url, user, password }) => {
  await login(page, url, user, password, '#/list/datastore');
  await page.click('.grid-row a.name');
  await page.click('#tab-files');
  await page.waitForSelector('.files table');
  const parts = [];
  page.on('request', (request) => request.method() === 'PUT' && parts.push(request.headers()['content-range']));
  await page.setInputFiles('input[type=file]', process.env.DROVER_UPLOAD);
  await page.waitForSelector('.transfer-waiting', { timeout: 30_000 });
  report('said', await page.textContent('.transfer-waiting [role=status]'));
  await picture(page, 'upload-broken');
  await page.waitForSelector('.transfer-done', { timeout: 60_000 });
  await page.waitForSelector('.files td:has-text("upload.bin")');
  report('parts', parts);
  const from = Number(/^bytes (\d+)-/.exec(parts.at(-1))?.[1]);
  expect(parts[0].startsWith('bytes 0-') && from > 0, 'it goes on where it was');
  await page.waitForFunction(() => document.querySelector('.stream').textContent === '', undefined, { timeout: 30_000 });
}, `https://127.0.0.1:${server.address().port}`);
server.close();
