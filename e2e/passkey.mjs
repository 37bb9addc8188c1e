// Passkeys in a real browser: a clean centre with a name, Chromium's own virtual authenticator, and a certificate the
// browser trusts (it refuses WebAuthn on pages with certificate errors). First run, sign out, sign in, and what a person
// sees without script, at an IP address, and when the authenticator refuses.
import { spawn } from 'node:child_process';
import { createHash, createHmac, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';

const NAME = 'centre.test';
const PASSWORD = 'turtle piano cloud seven';

async function startCentre(program, port) {
  const data = mkdtempSync(join(tmpdir(), 'lianfang-passkey-'));
  const config = join(data, 'centre.toml');
  writeFileSync(config, `listen = "127.0.0.1:${port}"\nlisten_machines = "127.0.0.1:0"\nnames = ["${NAME}"]\n`);
  const child = spawn(program, ['serve', '--config', config, '--data', join(data, 'centre')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const deadline = Date.now() + 60_000;
  const link = () => text.match(/\/setup\?t=\S+/)?.[0];
  while (!link() && Date.now() < deadline && child.exitCode === null) await new Promise((r) => setTimeout(r, 50));
  const stop = async () => {
    child.kill('SIGINT');
    await new Promise((done) => (child.exitCode === null ? child.on('exit', done) : done()));
    rmSync(data, { recursive: true, force: true });
  };
  return { data, setup: link(), stop };
}

// The trusted keys of the centre, as Chromium's switch wants them: what an installed authority does for a person.
function pins(data) {
  const pin = (file) => {
    const key = new X509Certificate(readFileSync(join(data, 'centre/tls', file))).publicKey.export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(key).digest('base64');
  };
  return [pin('server.pem'), pin('ca.pem')].join(',');
}

// The code of an authenticator app (RFC 6238), from the key as the page shows it.
function code(key) {
  const bits = [...key.replace(/[^A-Z2-7]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', bytes).update(counter).digest();
  const offset = hash[hash.length - 1] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

async function authenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    verified: (isUserVerified) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    keys: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
  };
}

export async function passkeys({ chromium, args, executablePath, program, port, check, picture, watch }) {
  const centre = await startCentre(program, port);
  check(Boolean(centre.setup), 'passkeys: a clean centre prints its setup link');
  const address = `https://${NAME}:${port}`;
  const opened = [];
  // The switch that trusts counts only with a profile of its own.
  const open = async (options, trusting = true) => {
    const profile = mkdtempSync(join(tmpdir(), 'lianfang-profile-'));
    const trust = [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
    if (trusting) trust.push(`--ignore-certificate-errors-spki-list=${pins(centre.data)}`);
    const context = await chromium.launchPersistentContext(profile, {
      executablePath, args: [...args, ...trust], locale: 'zh-TW', viewport: { width: 1440, height: 900 }, ...options,
    });
    context.setDefaultTimeout(20_000);
    opened.push({ context, profile });
    return context;
  };
  try {
    if (!centre.setup) return;
    const context = await open({});
    const page = await context.newPage();
    let at = 'first run';
    watch(page, address, () => `passkeys ${at}`);
    const look = async (name) => {
      at = name;
      page.instrumented = true;
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const violation of violations) check(false, `passkeys ${name}: axe ${violation.id} ${violation.nodes[0]?.target}`);
      if (violations.length === 0) check(true, name);
      await picture(page, `passkey_${name}`);
      page.instrumented = false;
    };
    const pocket = await authenticator(page);

    await page.goto(address + centre.setup);
    await page.fill('[name=login]', 'wang');
    await page.fill('[name=display]', '王小明');
    await page.fill('[name=password]', PASSWORD);
    await page.fill('[name=again]', PASSWORD);
    await page.click('#door button[type=submit]');
    await page.waitForURL('**/second-factor**');
    await look('second');
    await page.click('a[href^="/passkeys/new"]');
    await look('name');
    await page.fill('[name=name]', '辦公室筆電');
    await page.click('#door button[type=submit]');
    await page.waitForURL('**/passkeys/confirm');
    check((await page.locator('ul.codes li').count()) === 10, 'passkeys: the first factor brings ten recovery codes');
    check((await pocket.keys()).length === 1, 'passkeys: the authenticator holds one credential');
    await look('codes');
    await page.click('a.button');
    await page.waitForURL('**/setup/who');
    await page.goto(`${address}/me`);
    check((await page.locator('#passkeys-table').innerText()).includes('辦公室筆電'), 'passkeys: the profile lists it');
    await look('profile');

    const signOut = async () => {
      await page.goto(`${address}/me`);
      await page.click('header details.pop >> nth=-1');
      await page.click('form[action="/sign-out"] button');
      await page.waitForURL('**/sign-in');
    };
    const password = async (tab, base) => {
      await tab.goto(`${base}/sign-in`);
      await tab.fill('[name=login]', 'wang');
      await tab.fill('[name=password]', PASSWORD);
      await tab.click('#door button[type=submit]');
      await tab.waitForURL('**/sign-in/code**');
    };
    await signOut();
    await password(page, address);
    await look('sign_in');
    await page.click('#passkey button[type=submit]');
    await page.waitForURL(`${address}/`);
    check((await page.locator('h1').count()) === 1, 'passkeys: signed in with it');

    // PIN or finger refused: nothing opens, the page says what to do and can be tried again.
    await signOut();
    await password(page, address);
    await pocket.verified(false);
    await page.click('#passkey button[type=submit]');
    await page.locator('[data-say]:not([hidden])').waitFor();
    await look('refused');
    await pocket.verified(true);
    await page.click('[data-start]');
    await page.waitForURL(`${address}/`);
    check(true, 'passkeys: the second try opens');

    // Beside an authenticator: both ways on one page.
    await page.goto(`${address}/second-factor`);
    await page.fill('[name=code]', code(await page.locator('main code').first().innerText()));
    await page.click('#door button[type=submit]');
    await page.locator('ul.codes').waitFor();
    await signOut();
    await password(page, address);
    check(await page.locator('[name=code]').isVisible(), 'passkeys: a code may be typed instead');
    await look('both');
    await page.click('#passkey button[type=submit]');
    await page.waitForURL(`${address}/`);

    // Removing asks first.
    await page.goto(`${address}/me`);
    await page.click('#passkeys-table summary');
    await look('remove');

    // The same pages in English and dark, for the eye.
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${address}/me`);
    await page.click('button[value="en"]');
    await page.waitForLoadState();
    await page.click('#passkeys-table summary');
    await look('profile_en_dark');
    await page.goto(`${address}/passkeys/new`);
    await look('name_en_dark');
    await signOut();
    await password(page, address);
    await look('sign_in_en_dark');

    // At an IP address, and without script.
    const bare = await context.newPage();
    await password(bare, `https://127.0.0.1:${port}`);
    check((await bare.locator(`main a[href="${address}"]`).count()) === 1, 'passkeys: an IP address points to the name');
    check((await bare.locator('#passkey').count()) === 0, 'passkeys: an IP address offers none');
    await picture(bare, 'passkey_address');
    // A browser that does not trust the certificate refuses by itself; the page says why.
    const doubting = await (await open({ ignoreHTTPSErrors: true }, false)).newPage();
    await authenticator(doubting);
    await password(doubting, address);
    await doubting.click('#passkey button[type=submit]');
    await doubting.locator('[data-say]:not([hidden])').waitFor();
    check((await doubting.locator('[data-say]').innerText()).includes('憑證'), 'passkeys: without trust the page names the certificate');

    const tab = await (await open({ javaScriptEnabled: false })).newPage();
    await password(tab, address);
    check(await tab.locator('[data-noscript]').isVisible(), 'passkeys: without script the page says why');
    check(!(await tab.locator('#passkey').isVisible()), 'passkeys: without script nothing is offered that cannot work');
    await picture(tab, 'passkey_noscript');
  } catch (error) {
    check(false, `passkeys: ${error.message.split('\n')[0]}`);
    for (const { context } of opened) for (const page of context.pages()) await picture(page, 'passkey_failed').catch(() => {});
  } finally {
    for (const { context, profile } of opened) {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    }
    await centre.stop();
  }
}
