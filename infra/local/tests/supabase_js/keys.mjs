// Servers and pages make their clients exactly so.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";

// The SDK looks for it when it starts; browsers have it, and Node.js from 22 on.
globalThis.WebSocket ??= class {};

const { SUPABASE_URL, SUPABASE_SECRET_KEY, SUPABASE_PUBLISHABLE_KEY } = process.env;
const { ACCESS_TOKEN, LEGACY_SERVICE_ROLE_KEY, LEGACY_ANON_KEY } = process.env;

async function roleOf(client) {
  const { data, error } = await client.rpc("who");
  assert.equal(error, null);
  return data.role;
}

assert.equal(await roleOf(createClient(SUPABASE_URL, SUPABASE_SECRET_KEY)), "service_role");
assert.equal(await roleOf(createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY)), "anon");
assert.equal(await roleOf(createClient(SUPABASE_URL, LEGACY_SERVICE_ROLE_KEY)), "service_role");
assert.equal(await roleOf(createClient(SUPABASE_URL, LEGACY_ANON_KEY)), "anon");

for (const key of [SUPABASE_SECRET_KEY, LEGACY_SERVICE_ROLE_KEY]) {
  const { data, error } = await createClient(SUPABASE_URL, key).auth.admin.listUsers();
  assert.deepEqual([error, data.users], [null, []]);
}

const accessToken = async () => ACCESS_TOKEN;
const user = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, { accessToken });
assert.equal(await roleOf(user), "authenticated");

const unknown = createClient(SUPABASE_URL, "sb_secret_of_another_project");
const { error, status } = await unknown.rpc("who");
assert.equal(status, 401);
assert.equal(error.message, "Invalid API key");
