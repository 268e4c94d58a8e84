// Opens the pages as a person would, in Chromium: pages.mjs URL ADDRESS PASSWORD CHROMIUM SCREENSHOTS. Prints one JSON object.
import { chromium } from 'playwright-core';

const [url, address, password, executablePath, screenshots] = process.argv.slice(2);
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage();
const seen = { errors: [], hosts: new Set(), cookies: [] };
page.on('console', (message) => message.type() === 'error' && seen.errors.push(message.text()));
page.on('pageerror', (error) => seen.errors.push(String(error)));
page.on('request', (request) => request.url().startsWith('http') && seen.hosts.add(new URL(request.url()).host));

await page.goto(`${url}/signin`);
await page.fill('input[name=address]', address);
await page.fill('input[type=password]', password);
await Promise.all([page.waitForURL('**/sandbox*'), page.click('button')]);
seen.sandbox = await page.innerText('body');
await page.click('a[href*="email="]');
await page.waitForURL('**email=*');
seen.mail = await page.innerText('body');
await page.screenshot({ path: `${screenshots}/mail.png` });

await page.goto(`${url}/graphiql`);
await page.click('button.graphiql-execute-button');
await page.waitForFunction(() => document.querySelector('.result-window')?.innerText.includes('Analytical Engines'));
seen.graphiql = await page.innerText('.result-window');
await page.screenshot({ path: `${screenshots}/graphiql.png` });

seen.cookies = (await page.context().cookies()).map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }));
await browser.close();
console.log(JSON.stringify({ ...seen, hosts: [...seen.hosts] }));
