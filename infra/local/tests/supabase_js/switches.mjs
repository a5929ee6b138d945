// A project that lets nobody sign up with credentials, one that lets everybody in without, and one with another's sign-in.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";

globalThis.WebSocket ??= class {};

const { SUPABASE_URL, SUPABASE_SECRET_KEY, SUPABASE_PUBLISHABLE_KEY, EXPECT_SIGN_UP } = process.env;
const auth = { persistSession: false, autoRefreshToken: false };
const client = (key = SUPABASE_PUBLISHABLE_KEY) => createClient(SUPABASE_URL, key, { auth });

const headers = { apikey: SUPABASE_PUBLISHABLE_KEY };
const settings = await (await fetch(`${SUPABASE_URL}/auth/v1/settings`, { headers })).json();
const credentials = { email: "new@example.com", password: "long enough" };

if (EXPECT_SIGN_UP === "no") {
  assert.equal(settings.disable_signup, true);
  const { error } = await client().auth.signUp(credentials);
  assert.deepEqual([error.status, error.code], [422, "signup_disabled"]);
  const { user } = (await client(SUPABASE_SECRET_KEY).auth.admin.createUser(credentials)).data;
  assert.equal(user.email, credentials.email);
} else if (EXPECT_SIGN_UP === "github") {
  assert.deepEqual([settings.external.github, settings.external.google], [true, false]);
  const { user } = (await client(SUPABASE_SECRET_KEY).auth.admin.createUser(credentials)).data;
  const visitor = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, { auth: { ...auth, flowType: "pkce" } });
  const options = { redirectTo: "http://127.0.0.1:3000/back", skipBrowserRedirect: true };
  const { data: left } = await visitor.auth.signInWithOAuth({ provider: "github", options });
  const [, link] = (await (await fetch(left.url)).text()).match(/href="([^"]+)"/);
  const back = await fetch(new URL(link.replaceAll("&amp;", "&"), left.url), { redirect: "manual" });
  const page = new URL(back.headers.get("location"));
  assert.equal(page.origin + page.pathname, options.redirectTo);
  const code = page.searchParams.get("code");
  const stranger = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, { auth: { ...auth, flowType: "pkce" } });
  assert.notEqual((await stranger.auth.exchangeCodeForSession(code)).error, null);
  const { data: signedIn, error } = await visitor.auth.exchangeCodeForSession(code);
  assert.equal(error, null);
  assert.equal(signedIn.user.id, user.id);
} else {
  assert.equal(settings.external.anonymous_users, true);
  const visitor = client();
  const { data, error } = await visitor.auth.signInAnonymously({ options: { data: { from: "shop" } } });
  assert.equal(error, null);
  const claims = JSON.parse(Buffer.from(data.session.access_token.split(".")[1], "base64url"));
  assert.deepEqual([claims.is_anonymous, claims.role, claims.email], [true, "authenticated", ""]);
  assert.equal(claims.amr[0].method, "anonymous");
  assert.deepEqual([data.user.user_metadata, data.user.app_metadata], [{ from: "shop" }, {}]);
  assert.equal((await visitor.rpc("who")).data.uid, data.user.id);

  const refused = await visitor.auth.updateUser({ password: "long enough" });
  assert.deepEqual([refused.error.status, refused.error.code], [422, "validation_failed"]);
  const kept = await visitor.auth.updateUser(credentials);
  assert.equal(kept.error, null);
  assert.deepEqual([kept.data.user.is_anonymous, kept.data.user.email], [false, credentials.email]);
  const { data: again } = await client().auth.signInWithPassword(credentials);
  assert.equal(again.user.id, data.user.id);
}
