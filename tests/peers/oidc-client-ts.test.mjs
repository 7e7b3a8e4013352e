// oidc-client-ts in Chromium: redirect, silent renewal, sign-out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ADA, PUBLIC_CLIENT, startOrg } from "./org.mjs";
import { signIn, startBrowser, startSite } from "./site.mjs";

const PAGE = (issuer) => `<!doctype html><title>App</title><h1>App</h1><script src="/library.js"></script>
<script>
const manager = new oidc.UserManager({
  authority: ${JSON.stringify(issuer)}, client_id: ${JSON.stringify(PUBLIC_CLIENT)},
  redirect_uri: location.origin + "/callback", silent_redirect_uri: location.origin + "/silent",
  post_logout_redirect_uri: location.origin + "/", scope: "openid profile email", loadUserInfo: true,
});
if (location.pathname === "/silent") manager.signinSilentCallback();
</script>`;

let org, site, browser;

before(async () => {
  org = await startOrg("--groups-claim", "groups");
  site = await startSite("oidc-client-ts/dist/browser/oidc-client-ts.js", PAGE(org.issuer));
  await org.change(PUBLIC_CLIENT, {
    redirect_uris: [`${site.origin}/callback`, `${site.origin}/silent`],
    post_logout_redirect_uris: [`${site.origin}/`],
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  site?.stop();
  org?.stop();
});

test("it signs in, renews silently, and signs out", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.origin}/`);
  await page.evaluate(() => { manager.signinRedirect(); });
  await signIn(page, ADA);
  await page.waitForURL(`${site.origin}/callback?**`);
  const profile = await page.evaluate(async () => (await manager.signinRedirectCallback()).profile);
  assert.deepEqual([profile.name, profile.given_name], [ADA.name, "Ada"], "userinfo completes the thin ID token");
  assert.deepEqual(profile.groups, ["Everyone", "Admins"]);

  const [before, after] = await page.evaluate(async () => {
    const before = (await manager.getUser()).access_token;
    return [before, (await manager.signinSilent({ forceIframeAuth: true })).access_token];
  });
  assert.notEqual(after, before);

  await page.evaluate(() => { manager.signoutRedirect(); });
  await page.waitForURL((url) => url.origin === site.origin && url.pathname === "/");
  const error = await page.evaluate(() => manager.signinSilent().then(() => "signed in", (error) => error.error));
  assert.equal(error, "login_required");
  await context.close();
});
