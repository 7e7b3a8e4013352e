// @okta/okta-auth-js in Chromium: redirect, popup, silent renewal, sign-out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ADA, PUBLIC_CLIENT, startOrg } from "./org.mjs";
import { signIn, startBrowser, startSite } from "./site.mjs";

const PAGE = (issuer) => `<!doctype html><title>App</title><h1>App</h1>
<button id="popup" onclick="window.popup = auth.token.getWithPopup({ scopes: SCOPES }).then((r) => auth.tokenManager.setTokens(r.tokens)).then(() => 'done', String)">Popup</button>
<script src="/library.js"></script>
<script>
const SCOPES = ["openid", "profile", "email"];
const auth = new OktaAuth({
  issuer: ${JSON.stringify(issuer)}, clientId: ${JSON.stringify(PUBLIC_CLIENT)},
  redirectUri: location.origin + "/callback", postLogoutRedirectUri: location.origin + "/", scopes: SCOPES,
});
// Starting the app removes tokens of an ended session.
if (location.pathname === "/") auth.start();
</script>`;

let org, site, browser;

before(async () => {
  org = await startOrg();
  site = await startSite("@okta/okta-auth-js/dist/okta-auth-js.min.js", PAGE(org.issuer));
  await org.change(PUBLIC_CLIENT, {
    redirect_uris: [`${site.origin}/callback`],
    post_logout_redirect_uris: [`${site.origin}/`],
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  site?.stop();
  org?.stop();
});

const claims = (page) => page.evaluate(() => auth.tokenManager.getTokensSync().idToken?.claims);

async function app() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.origin}/`);
  return { context, page };
}

async function redirect(page) {
  await page.evaluate(() => { auth.signInWithRedirect({ originalUri: "/" }); });
  await signIn(page, ADA);
  await page.waitForURL(`${site.origin}/callback?**`);
  await page.evaluate(async () => {
    const { tokens } = await auth.token.parseFromUrl();
    auth.tokenManager.setTokens(tokens);
  });
}

test("a redirect signs in, and userinfo returns the rest of the profile", async () => {
  const { context, page } = await app();
  await redirect(page);
  assert.equal((await claims(page)).name, ADA.name);
  assert.equal((await claims(page)).given_name, undefined, "ID tokens are thin");
  assert.equal((await page.evaluate(() => auth.getUser())).given_name, "Ada");
  await context.close();
});

test("a popup signs in", async () => {
  const { context, page } = await app();
  const opened = page.waitForEvent("popup");
  await page.click("#popup");
  await signIn(await opened, ADA);
  assert.equal(await page.evaluate(() => window.popup), "done");
  assert.equal((await claims(page)).preferred_username, ADA.login);
  await context.close();
});

test("a hidden frame renews silently while there is a session at the org, and sign-out ends it", async () => {
  const { context, page } = await app();
  await redirect(page);
  const before = await page.evaluate(() => auth.getAccessToken());
  const renewed = await page.evaluate(async () => {
    const { tokens } = await auth.token.getWithoutPrompt();
    auth.tokenManager.setTokens(tokens);
    return tokens.accessToken.accessToken;
  });
  assert.notEqual(renewed, before);

  const back = page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame() && frame.url() === `${site.origin}/`);
  await page.evaluate(() => { auth.signOut(); });
  await back;
  await page.waitForLoadState();
  await page.waitForFunction(() => !auth.tokenManager.getTokensSync().idToken);
  const revocation = (await org.journal("/v1/revoke")).find((request) => request.method === "POST");
  assert.deepEqual([revocation.status, revocation.client_id], [200, PUBLIC_CLIENT]);
  const silent = await page.evaluate(() => auth.token.getWithoutPrompt().then(() => "signed in", (error) => error.errorCode));
  assert.equal(silent, "login_required");
  await context.close();
});
