// A user's life and an administrator's day, by the official client.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";

globalThis.WebSocket ??= class {};

const { SUPABASE_URL, SUPABASE_SECRET_KEY, SUPABASE_PUBLISHABLE_KEY } = process.env;
// Servers and tests keep no session between runs and refresh when they want to.
const auth = { persistSession: false, autoRefreshToken: false };
const client = (key = SUPABASE_PUBLISHABLE_KEY) => createClient(SUPABASE_URL, key, { auth });
const page = client();
const { admin } = client(SUPABASE_SECRET_KEY).auth;

function done({ data, error }) {
  assert.equal(error, null);
  return data;
}

function refused({ error }, status, code) {
  assert.ok(error, `expected ${code}`);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const mails = async () => (await fetch(`${SUPABASE_URL}/_control/mails`)).json();
const email = "ada@example.com";

await test("sign up", async () => {
  refused(await page.auth.signUp({ email, password: "short" }), 422, "weak_password");
  refused(await page.auth.signUp({ email: "nonsense", password: "long enough" }), 400, "validation_failed");
  const { user, session } = done(
    await page.auth.signUp({ email: "Ada@Example.com", password: "first password", options: { data: { name: "Ada" } } }),
  );
  assert.equal(user.email, email);
  assert.equal(user.role, "authenticated");
  assert.ok(user.email_confirmed_at && user.confirmed_at && user.last_sign_in_at);
  assert.deepEqual(user.app_metadata, { provider: "email", providers: ["email"] });
  assert.equal(user.user_metadata.name, "Ada");
  assert.equal(user.identities[0].provider, "email");
  assert.equal(user.identities[0].user_id, user.id);

  const claims = claimsOf(session.access_token);
  assert.equal(claims.iss, `${SUPABASE_URL}/auth/v1`);
  assert.equal(claims.aud, "authenticated");
  assert.equal(claims.role, "authenticated");
  assert.equal(claims.sub, user.id);
  assert.equal(claims.exp - claims.iat, 3600);
  assert.equal(claims.aal, "aal1");
  assert.equal(claims.amr[0].method, "password");
  assert.equal(claims.is_anonymous, false);
  refused(await client().auth.signUp({ email, password: "another one" }), 422, "user_already_exists");
});

await test("verify the token by the published keys", async () => {
  const { claims, header } = done(await page.auth.getClaims());
  assert.equal(header.alg, "ES256");
  assert.equal(claims.email, email);
});

await test("sign in and refresh", async () => {
  const wrong = { email, password: "not the password" };
  refused(await client().auth.signInWithPassword(wrong), 400, "invalid_credentials");
  refused(await client().auth.signInWithPassword({ ...wrong, email: "no@body.org" }), 400, "invalid_credentials");
  const { session } = done(await page.auth.signInWithPassword({ email: "ADA@example.com", password: "first password" }));
  const refreshed = done(await page.auth.refreshSession());
  assert.notEqual(refreshed.session.refresh_token, session.refresh_token);
  assert.equal(claimsOf(refreshed.session.access_token).session_id, claimsOf(session.access_token).session_id);
  // A client that did not receive the successor gets it again.
  const again = done(await client().auth.refreshSession(session));
  assert.equal(again.session.refresh_token, refreshed.session.refresh_token);
  const unknown = { refresh_token: "abcdefabcdef" };
  refused(await client().auth.refreshSession(unknown), 400, "refresh_token_not_found");
});

await test("change oneself", async () => {
  const { user } = done(await page.auth.updateUser({ data: { name: null, city: "London" } }));
  assert.equal(user.user_metadata.city, "London");
  assert.ok(!("name" in user.user_metadata));
  refused(await page.auth.updateUser({ password: "first password" }), 422, "same_password");
  const other = client();
  done(await other.auth.signInWithPassword({ email, password: "first password" }));
  done(await page.auth.updateUser({ password: "second password" }));
  assert.equal((await other.auth.getUser()).error.name, "AuthSessionMissingError", "other sessions end");
  refused(await client().auth.signInWithPassword({ email, password: "first password" }), 400, "invalid_credentials");

  const changing = done(await page.auth.updateUser({ email: "countess@example.com" }));
  assert.deepEqual([changing.user.email, changing.user.new_email], [email, "countess@example.com"]);
  const mail = (await mails()).find((mail) => mail.to === "countess@example.com");
  assert.equal(mail.type, "email_change");
  const { type, token_hash } = mail;
  const changed = done(await client().auth.verifyOtp({ type, token_hash }));
  assert.equal(changed.user.email, "countess@example.com");
  assert.equal(changed.user.new_email, undefined);
  done(await page.auth.updateUser({ email }));
  const back = (await mails()).findLast((mail) => mail.to === email);
  done(await client().auth.verifyOtp({ type: "email_change", email, token: back.token }));
});

let boss;
await test("administrate", async () => {
  refused(await page.auth.admin.listUsers(), 403, "not_admin");
  refused(await client().auth.admin.listUsers(), 403, "not_admin");
  ({ user: boss } = done(
    await admin.createUser({
      email: "boss@example.com",
      password: "boss password",
      email_confirm: true,
      app_metadata: { team: "shop" },
      user_metadata: { full_name: "Grace" },
    }),
  ));
  assert.equal(boss.user_metadata.full_name, "Grace");
  refused(await admin.createUser({ email: "boss@example.com" }), 422, "email_exists");
  refused(await admin.createUser({}), 400, "validation_failed");
  done(await admin.createUser({ email: "unconfirmed@example.com", password: "long enough" }));
  const unconfirmed = { email: "unconfirmed@example.com", password: "long enough" };
  refused(await client().auth.signInWithPassword(unconfirmed), 400, "email_not_confirmed");

  const { user } = done(await admin.updateUserById(boss.id, { app_metadata: { role: "admin", team: null } }));
  assert.deepEqual(user.app_metadata, { provider: "email", providers: ["email"], role: "admin" });
  assert.equal(done(await admin.getUserById(boss.id)).user.email, "boss@example.com");
  refused(await admin.getUserById("00000000-0000-4000-8000-000000000000"), 404, "user_not_found");

  const first = done(await admin.listUsers({ page: 1, perPage: 2 }));
  assert.deepEqual([first.total, first.nextPage, first.lastPage, first.users.length], [3, 2, 2, 2]);
  assert.equal(first.users[0].email, "unconfirmed@example.com", "the newest first");
  const second = done(await admin.listUsers({ page: 2, perPage: 2 }));
  assert.deepEqual([second.nextPage, second.users.map((user) => user.email)], [null, [email]]);
  assert.equal(done(await admin.listUsers()).users.length, 3);
});

await test("carry the role in the token from the next refresh on", async () => {
  const phone = client();
  const { session } = done(await phone.auth.signInWithPassword({ email: "boss@example.com", password: "boss password" }));
  assert.equal(claimsOf(session.access_token).app_metadata.role, "admin");
  done(await admin.updateUserById(boss.id, { app_metadata: { role: "owner" } }));
  const refreshed = done(await phone.auth.refreshSession());
  assert.equal(claimsOf(refreshed.session.access_token).app_metadata.role, "owner");
});

await test("ban and delete", async () => {
  const credentials = { email: "boss@example.com", password: "boss password" };
  const banned = client();
  done(await banned.auth.signInWithPassword(credentials));
  done(await admin.updateUserById(boss.id, { ban_duration: "24h" }));
  refused(await client().auth.signInWithPassword(credentials), 400, "user_banned");
  refused(await banned.auth.getUser(), 403, "user_banned");
  done(await admin.updateUserById(boss.id, { ban_duration: "none" }));
  const { data } = await banned.auth.getUser();
  assert.equal(data.user.id, boss.id);
  done(await admin.deleteUser(boss.id));
  refused(await banned.auth.getUser(), 403, "user_not_found");
  refused(await admin.deleteUser(boss.id), 404, "user_not_found");

  const { user } = done(await admin.createUser({ email: "gone@example.com", password: "long enough", email_confirm: true }));
  done(await admin.deleteUser(user.id, true));
  const left = done(await admin.getUserById(user.id)).user;
  assert.ok(left.deleted_at && !left.email.includes("gone"));
  done(await admin.createUser({ email: "gone@example.com" }));
});

await test("invite", async () => {
  const invited = done(
    await admin.inviteUserByEmail("guest@example.com", { data: { table: 4 }, redirectTo: "http://localhost:5173/welcome" }),
  );
  assert.ok(invited.user.invited_at && !invited.user.email_confirmed_at);
  const mail = (await mails()).findLast((mail) => mail.to === "guest@example.com");
  assert.deepEqual([mail.type, mail.redirect_to], ["invite", "http://localhost:5173/welcome"]);

  const guest = client();
  const { user } = done(await guest.auth.verifyOtp({ type: "invite", token_hash: mail.token_hash }));
  assert.deepEqual([user.id, user.user_metadata.table], [invited.user.id, 4]);
  assert.ok(user.email_confirmed_at);
  refused(await client().auth.verifyOtp({ type: "invite", token_hash: mail.token_hash }), 403, "otp_expired");
  done(await guest.auth.updateUser({ password: "guest password" }));
  done(await client().auth.signInWithPassword({ email: "guest@example.com", password: "guest password" }));
  refused(await admin.inviteUserByEmail("guest@example.com"), 422, "email_exists");
});

await test("recover and follow links", async () => {
  done(await client().auth.resetPasswordForEmail("nobody@example.com"));
  done(await client().auth.resetPasswordForEmail(email, { redirectTo: "http://localhost:5173/reset" }));
  const mail = (await mails()).findLast((mail) => mail.type === "recovery");
  const followed = await fetch(mail.action_link, { redirect: "manual" });
  assert.equal(followed.status, 303);
  const target = new URL(followed.headers.get("location"));
  assert.equal(target.origin + target.pathname, "http://localhost:5173/reset");
  const parameters = new URLSearchParams(target.hash.slice(1));
  assert.equal(parameters.get("type"), "recovery");
  assert.equal(claimsOf(parameters.get("access_token")).email, email);
  const twice = await fetch(mail.action_link, { redirect: "manual" });
  assert.match(twice.headers.get("location"), /#error=access_denied&error_code=otp_expired/);

  const { properties } = done(await admin.generateLink({ type: "magiclink", email }));
  const { session } = done(await client().auth.verifyOtp({ type: "magiclink", token_hash: properties.hashed_token }));
  assert.equal(claimsOf(session.access_token).amr[0].method, "otp");
});

await test("see one's own rows", async () => {
  const user = client();
  const { session } = done(await user.auth.signInWithPassword({ email, password: "second password" }));
  assert.equal(done(await user.rpc("who")).uid, session.user.id);
  done(await user.from("notes").insert({ text: "mine" }));
  assert.deepEqual(done(await user.from("notes").select("text")), [{ text: "mine" }]);
  const guest = client();
  done(await guest.auth.signInWithPassword({ email: "guest@example.com", password: "guest password" }));
  assert.deepEqual(done(await guest.from("notes").select("text")), []);
  assert.equal(done(await client(SUPABASE_SECRET_KEY).from("notes").select("text")).length, 1);
});

await test("not be anonymous unless that is switched on", async () => {
  refused(await client().auth.signInAnonymously(), 422, "anonymous_provider_disabled");
});

await test("sign out", async () => {
  const [here, there] = [client(), client()];
  for (const device of [here, there]) {
    done(await device.auth.signInWithPassword({ email, password: "second password" }));
  }
  const { session } = done(await here.auth.getSession());
  assert.equal((await here.auth.signOut({ scope: "local" })).error, null);
  assert.equal((await client().auth.getUser(session.access_token)).error.name, "AuthSessionMissingError");
  refused(await client().auth.refreshSession(session), 400, "refresh_token_not_found");
  done(await there.auth.getUser());
  done(await here.auth.signInWithPassword({ email, password: "second password" }));
  assert.equal((await there.auth.signOut({ scope: "others" })).error, null);
  assert.equal((await here.auth.getUser()).error.name, "AuthSessionMissingError");
  done(await there.auth.getUser());
  assert.equal((await there.auth.signOut()).error, null);
});

async function test(name, steps) {
  try {
    await steps();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}
