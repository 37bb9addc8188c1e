// Browser checks: starts a demo, signs in per role, walks every page the person can reach, in both languages, light and
// dark, with and without script. A page must answer, speak the right language, cause no console error and no request to
// another origin, and axe must find nothing. Pictures go to target/e2e.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';
import AxeBuilder from '@axe-core/playwright';
import { passkeys } from './passkey.mjs';

const root = resolve(import.meta.dirname, '..');
const program = process.env.LIANFANG_BIN ?? join(root, 'target/debug/lianfang');
const pictures = join(root, 'target/e2e');
const keep = process.argv.includes('--pictures');
const most = Number(process.env.E2E_PAGES ?? 30);
let passed = 0;
const failures = [];

function check(ok, what) {
  if (ok) passed += 1;
  else {
    failures.push(what);
    console.log(`FAIL ${what}`);
  }
}

const freePort = () =>
  new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

async function startDemo() {
  const data = mkdtempSync(join(tmpdir(), 'lianfang-e2e-'));
  const port = await freePort();
  const child = spawn(program, ['demo', '--data', join(data, 'demo'), '--listen', `127.0.0.1:${port}`, '--seconds', '900'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const links = new Map();
  let text = '';
  let proved = false;
  child.stdout.on('data', (chunk) => {
    text += chunk;
    for (const line of String(chunk).split('\n')) if (process.env.E2E_VERBOSE) console.log(line);
    for (const match of text.matchAll(/^ {4}(\w+)\s.*?(https:\S+\/link\/\S+)$/gm)) links.set(match[1], match[2]);
    proved ||= text.includes('the loop is closed');
  });
  const deadline = Date.now() + 90_000;
  while (!(links.size > 0 && proved) && Date.now() < deadline && child.exitCode === null) await new Promise((r) => setTimeout(r, 100));
  check(links.size > 0, 'the demo prints a sign-in link per role');
  check(proved, 'the demo closes the loop within its time');
  const stop = async () => {
    child.kill('SIGINT');
    await new Promise((done) => (child.exitCode === null ? child.on('exit', done) : done()));
    await new Promise((done) => spawn(program, ['demo', '--data', join(data, 'demo'), '--remove'], { stdio: 'ignore' }).on('exit', done));
    rmSync(data, { recursive: true, force: true });
  };
  return { links, address: `https://127.0.0.1:${port}`, stop };
}

function watch(page, address, where) {
  page.on('console', (message) => {
    // axe and the camera put styles of their own into the page, which its policy rightly refuses.
    if (page.instrumented && message.text().includes('inline style')) return;
    // A list that is empty answers 200; the browser itself reports refused pages, which are checked by their status.
    if (message.type() === 'error') check(false, `${where()}: console: ${message.text()}`);
  });
  page.on('pageerror', (error) => check(false, `${where()}: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith('data:')) check(false, `${where()}: request to ${url}`);
  });
}

async function walk(browser, demo, name, options, role, language) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: language, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  let at = 'sign-in';
  watch(page, demo.address, () => `${name} ${at}`);
  await page.goto(demo.links.get(role));
  const confirm = page.locator('main form button').first();
  if (page.url().includes('/link') && (await confirm.count())) await confirm.click();
  await page.goto(`${demo.address}/`);
  if (language !== 'zh-TW') {
    const change = page.locator(`[data-language="${language}"], a[hreflang="${language}"], button[value="${language}"]`).first();
    if (await change.count()) await change.click();
  }
  const seen = new Set();
  const queue = ['/'];
  const shapes = new Map();
  while (queue.length && seen.size < most) {
    const path = queue.shift();
    if (seen.has(path)) continue;
    seen.add(path);
    at = path;
    const response = await page.goto(demo.address + path, { waitUntil: 'load' }).catch((error) => ({ status: () => String(error) }));
    check(response?.status() === 200, `${name} ${path}: status ${response?.status()}`);
    if (response?.status() !== 200) continue;
    const lang = await page.getAttribute('html', 'lang');
    check(lang === (language === 'zh-TW' ? 'zh-Hant-TW' : 'en'), `${name} ${path}: lang ${lang}`);
    page.instrumented = true;
    // axe is script itself; without script the same markup is walked for its status, language and links.
    const scripted = options.javaScriptEnabled !== false;
    const axe = !scripted ? { violations: [] } : await new AxeBuilder({ page }).analyze().catch((error) => ({ violations: [{ id: 'axe', nodes: [{ target: [String(error)] }] }] }));
    for (const violation of axe.violations) check(false, `${name} ${path}: axe ${violation.id} ${violation.nodes[0]?.target} ${violation.nodes[0]?.failureSummary ?? ''}`);
    if (scripted && axe.violations.length === 0) passed += 1;
    if (keep) await page.screenshot({ path: join(pictures, `${name}${path.replace(/[^a-z0-9]+/gi, '_')}.png`), fullPage: true });
    page.instrumented = false;
    const links = await page.$$eval('a[href]', (all) => all.map((a) => a.getAttribute('href')));
    for (const href of links) {
      if (!href.startsWith('/') || href.startsWith('//')) continue;
      const next = href.split('#')[0];
      if (!next || /\/(sign-?out|export|feeds|api|assets|docs)\b|\.(csv|ndjson|json|txt|svg)\b|format=/.test(next)) continue;
      // Two pages of a shape are enough: ids and filter values repeat.
      const shape = next.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replace(/=[^&]*/g, '=');
      const count = shapes.get(shape) ?? 0;
      if (count >= 2 || seen.has(next)) continue;
      shapes.set(shape, count + 1);
      queue.push(next);
    }
  }
  check(seen.size > 8, `${name}: only ${seen.size} pages were reached`);
  console.log(`${name}: ${seen.size} pages`);
  await context.close();
}

const sessions = new Map();

/** A page of its own, signed in with a role's link. */
async function signedIn(browser, demo, role, options) {
  // A link works once: who comes again brings the session along.
  const storageState = sessions.get(role);
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'zh-TW', viewport: { width: 1920, height: 1080 }, storageState, ...options });
  const page = await context.newPage();
  if (storageState) return { context, page };
  await page.goto(demo.links.get(role));
  const confirm = page.locator('main form button').first();
  if (page.url().includes('/link') && (await confirm.count())) await confirm.click();
  await page.waitForURL(`${demo.address}/`);
  sessions.set(role, await context.storageState());
  return { context, page };
}

/** The wall: nothing to press, one screen, no address, and it goes on by itself with and without script. */
async function wall(browser, demo) {
  for (const javaScriptEnabled of [true, false]) {
    const name = javaScriptEnabled ? 'wall' : 'wall-nojs';
    const { context, page } = await signedIn(browser, demo, 'wall', { javaScriptEnabled });
    watch(page, demo.address, () => name);
    const response = await page.goto(`${demo.address}/`);
    check(response.status() === 200, `${name}: status ${response.status()}`);
    const text = await page.textContent('main');
    check(!/\d+\.\d+\.\d+\.\d+/.test(text), `${name}: an address stands on it`);
    check((await page.locator('main a, button, form, input, nav').count()) === 0, `${name}: there is something to press`);
    if (javaScriptEnabled) {
      page.instrumented = true;
      const axe = await new AxeBuilder({ page }).analyze();
      for (const violation of axe.violations) check(false, `${name}: axe ${violation.id} ${violation.nodes[0]?.target}`);
      page.instrumented = false;
      const over = await page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight);
      check(over <= 0, `${name}: ${over} pixels do not fit on 1920 x 1080`);
      const before = await page.textContent('main .foot time');
      await page.waitForFunction((old) => document.querySelector('main .foot time').textContent !== old, before, { timeout: 20_000 }).catch(() => check(false, `${name}: it did not refresh itself`));
      page.removeAllListeners('console');
      await context.setOffline(true);
      await page.waitForSelector('body[data-stale]', { timeout: 60_000 }).catch(() => check(false, `${name}: it did not say that it is old`));
    } else {
      const again = page.waitForNavigation({ timeout: 45_000 }).then(() => true, () => false);
      check(await again, `${name}: it did not refresh itself`);
    }
    if (keep) await page.screenshot({ path: join(pictures, `${name}.png`) });
    await context.close();
  }
  console.log('wall: seen');
}

/** A silence is previewed, saved and ended with the keyboard alone. */
async function silenceByKeyboard(browser, demo) {
  const { context, page } = await signedIn(browser, demo, 'tier2', {});
  await page.goto(`${demo.address}/findings`);
  const count = await page.locator('[data-row]').count();
  check(count > 0, 'keyboard: no finding waits');
  await page.keyboard.press('j');
  await page.keyboard.press('s');
  await page.waitForURL(/\/findings\/[0-9a-f-]+\/silence/);
  const preview = await page.textContent('#plan');
  check(/過去 7 天內會因此隱藏 \d+ 則/.test(preview), 'keyboard: the preview says how many');
  const focused = async (selector) => {
    for (let n = 0; n < 120; n += 1) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return true;
      await page.keyboard.press('Tab');
    }
    return false;
  };
  check(await focused('#silence-reason'), 'keyboard: the reason cannot be reached');
  await page.keyboard.type('browser check');
  check(await focused('#silence button'), 'keyboard: the button cannot be reached');
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=silenced/);
  await page.goto(`${demo.address}/silences`);
  check((await page.textContent('#silences')).includes('browser check'), 'keyboard: the silence is not in the list');
  check(await focused('form[id^="end-"] button'), 'keyboard: ending it cannot be reached');
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=unsilenced/);
  console.log('silence: by keyboard');
  await context.close();
}

/** A block is taken back without script: the page names what is opened, and wants a reason and a tick. */
async function withdrawWithoutScript(browser, demo) {
  const { context, page } = await signedIn(browser, demo, 'tier2', { javaScriptEnabled: false });
  await page.goto(`${demo.address}/points`);
  const link = await page.getAttribute('#directives a.button[href^="/directives/"]', 'href');
  check(link !== null, 'withdraw: no block offers it');
  await page.goto(demo.address + link);
  await page.click('.acts summary');
  check((await page.textContent('.acts')).includes('收回'), 'withdraw: what it opens is not named');
  await page.fill('#withdraw-reason', 'browser check');
  await page.check('#withdraw input[name="confirm"]');
  await page.click('#withdraw button');
  check(page.url().includes('done=withdrawn'), `withdraw: came to ${page.url()}`);
  check((await page.textContent('main')).includes('browser check'), 'withdraw: the reason is not shown');
  console.log('withdraw: without script');
  await context.close();
}

mkdirSync(pictures, { recursive: true });
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const only = process.env.E2E_ONLY ?? '';

if (only !== 'passkeys') {
  const demo = await startDemo();
  const browser = await chromium.launch({ executablePath, args });
  try {
    if (demo.links.size) {
      await walk(browser, demo, 'duty-zh', {}, 'duty_officer', 'zh-TW');
      await walk(browser, demo, 'admin-en-dark', { colorScheme: 'dark' }, 'administrator', 'en');
      await walk(browser, demo, 'analyst-nojs', { javaScriptEnabled: false }, 'tier1', 'zh-TW');
      await wall(browser, demo);
      await silenceByKeyboard(browser, demo);
      await withdrawWithoutScript(browser, demo);
      await walk(browser, demo, 'member-phone', { viewport: { width: 390, height: 844 } }, 'member', 'zh-TW');
    }
  } finally {
    await browser.close();
    await demo.stop();
  }
}
if (only !== 'walk') {
  const picture = async (page, name) => keep && page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  await passkeys({ chromium, executablePath, args, program, port: await freePort(), check, picture, watch });
}
console.log(`e2e: ${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
