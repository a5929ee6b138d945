// Sign-in without a password, by the official client: digits that a mail brings, and its link, in both flows.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";

globalThis.WebSocket ??= class {};

const { SUPABASE_URL, SUPABASE_SECRET_KEY, SUPABASE_PUBLISHABLE_KEY } = process.env;

// A page keeps the verifier of its flow where it keeps its session.
function page(flowType) {
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const auth = { flowType, storage, autoRefreshToken: false, detectSessionInUrl: false };
  return createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, { auth }).auth;
}

function refused({ error }, status, code) {
  assert.ok(error, `expected ${code}`);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
}

function done({ data, error }) {
  assert.equal(error, null);
  return data;
}

const mails = async () => (await fetch(`${SUPABASE_URL}/_control/mails`)).json();
const lastMail = async () => (await mails()).at(-1);
const service = createClient(SUPABASE_URL, SUPABASE_SECRET_KEY, { auth: { persistSession: false } });
const email = "digits@example.com";
const known = done(await service.auth.admin.createUser({ email, password: "long enough", email_confirm: true })).user;

for (const flowType of ["implicit", "pkce"]) {
  await test(`digits, ${flowType}`, async () => {
    const auth = page(flowType);
    done(await auth.signInWithOtp({ email, options: { shouldCreateUser: false } }));
    const { token, to } = await lastMail();
    assert.equal(to, email);
    refused(await auth.verifyOtp({ email, token: token === "000000" ? "000001" : "000000", type: "email" }), 403, "otp_expired");
    const { session, user } = done(await auth.verifyOtp({ email, token, type: "email" }));
    assert.equal(user.id, known.id);
    assert.ok(session.access_token);
    refused(await auth.verifyOtp({ email, token, type: "email" }), 403, "otp_expired");
  });
}

await test("strangers", async () => {
  const before = (await mails()).length;
  const stranger = { email: "nobody@example.com", options: { shouldCreateUser: false } };
  refused(await page("implicit").signInWithOtp(stranger), 422, "otp_disabled");
  assert.equal((await mails()).length, before);
  const auth = page("implicit");
  done(await auth.signInWithOtp({ email: "new@example.com" }));
  const { token } = await lastMail();
  const { user } = done(await auth.verifyOtp({ email: "new@example.com", token, type: "email" }));
  assert.ok(user.email_confirmed_at);
});

await test("the link of a PKCE flow", async () => {
  const [auth, other] = [page("pkce"), page("pkce")];
  const emailRedirectTo = "http://127.0.0.1:3000/console/callback";
  done(await other.signInWithOtp({ email, options: { emailRedirectTo } }));
  done(await auth.signInWithOtp({ email, options: { emailRedirectTo } }));
  const followed = await fetch((await lastMail()).action_link, { redirect: "manual" });
  const target = new URL(followed.headers.get("location"));
  assert.equal(`${target.origin}${target.pathname}`, emailRedirectTo);
  assert.equal(target.hash, "");
  const code = target.searchParams.get("code");
  refused(await other.exchangeCodeForSession(code), 400, "bad_code_verifier");
  const { user } = done(await auth.exchangeCodeForSession(code));
  assert.equal(user.id, known.id);
  const again = await fetch((await lastMail()).action_link, { redirect: "manual" });
  assert.equal(new URL(again.headers.get("location")).searchParams.get("error_code"), "otp_expired");
});

await test("the link of a PKCE recovery", async () => {
  const auth = page("pkce");
  done(await auth.resetPasswordForEmail(email));
  const followed = await fetch((await lastMail()).action_link, { redirect: "manual" });
  const code = new URL(followed.headers.get("location")).searchParams.get("code");
  done(await auth.exchangeCodeForSession(code));
  done(await auth.updateUser({ password: "another one" }));
  done(await page("implicit").signInWithPassword({ email, password: "another one" }));
});

async function test(name, steps) {
  try {
    await steps();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}
