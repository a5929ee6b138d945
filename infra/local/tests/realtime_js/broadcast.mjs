// Broadcast in private and public topics, by the official client, in both versions of its protocol.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import WebSocket from "ws";

const { SUPABASE_URL, SUPABASE_SECRET_KEY, SUPABASE_PUBLISHABLE_KEY } = process.env;
const { MEMBER_TOKEN, SPEAKER_TOKEN, STRANGER_TOKEN } = process.env;
const auth = { persistSession: false, autoRefreshToken: false };
const service = createClient(SUPABASE_URL, SUPABASE_SECRET_KEY, { auth, realtime: { transport: WebSocket } });

async function told(topic, event, body, fails = false) {
  const { error } = await service.rpc("tell", { topic, event, body, fails });
  assert.equal(error === null, !fails, error?.message);
}

// A client with a token, and the channel that it asks for.
async function listener(token, topic, { vsn = "2.0.0", config = { private: true } } = {}) {
  const realtime = { transport: WebSocket, vsn };
  const client = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, { auth, realtime });
  if (token) await client.realtime.setAuth(token);
  const heard = [];
  const states = [];
  const waiting = [];
  const look = () => waiting.splice(0).forEach((again) => again());
  const channel = client.channel(topic, { config });
  channel.on("broadcast", { event: "*" }, (message) => (heard.push(message), look()));
  channel.subscribe((state, error) => (states.push([state, error?.message]), look()));
  const until = async (holds) => {
    while (!holds()) await new Promise((again) => waiting.push(again));
  };
  await until(() => states.length > 0);
  return { client, channel, heard, states, until, end: () => client.removeAllChannels() };
}

const events = ({ heard }) => heard.map(({ event }) => event);

for (const vsn of ["1.0.0", "2.0.0"]) {
  await test(`messages of the database, ${vsn}`, async () => {
    const member = await listener(MEMBER_TOKEN, "room", { vsn });
    assert.deepEqual(member.states, [["SUBSCRIBED", undefined]]);
    await told("elsewhere", "NOT_MEANT", {});
    await told("room", "TAKEN_BACK", {}, true);
    await told("room", "FIRST", { text: "ü <b>" });
    await told("room", "SECOND", { large: "x".repeat(200_000) });
    await told("room", "TOO_LARGE", { large: "x".repeat(300_000) });
    await told("room", "LAST", {});
    await member.until(() => events(member).includes("LAST"));
    assert.deepEqual(events(member), ["FIRST", "SECOND", "LAST"]);
    const { type, payload, meta } = member.heard[0];
    assert.deepEqual([type, payload.text, meta.id], ["broadcast", "ü <b>", payload.id]);
    await member.end();
  });
}

await test("who may not hear", async () => {
  for (const [token, topic] of [[STRANGER_TOKEN, "room"], [MEMBER_TOKEN, "other"], [undefined, "room"]]) {
    const refused = await listener(token, topic);
    const [state, message] = refused.states[0];
    assert.equal(state, "CHANNEL_ERROR");
    assert.match(message, /Unauthorized: You do not have permissions to read from this Channel topic/);
    await refused.end();
  }
});

await test("who may send", async () => {
  const config = { private: true, broadcast: { ack: true, self: true } };
  const member = await listener(MEMBER_TOKEN, "room", { config });
  const speaker = await listener(SPEAKER_TOKEN, "room", { config });
  member.channel.send({ type: "broadcast", event: "UNHEARD", payload: {} });
  assert.equal(await speaker.channel.send({ type: "broadcast", event: "SPOKEN", payload: { a: 1 } }), "ok");
  await member.until(() => member.heard.length > 0);
  await speaker.until(() => speaker.heard.length > 0);
  assert.deepEqual([events(member), events(speaker)], [["SPOKEN"], ["SPOKEN"]]);
  assert.deepEqual(member.heard[0].payload, { a: 1 });
  await member.end();
  await speaker.end();
});

await test("a public topic of the same name is another one", async () => {
  const config = { broadcast: { ack: true } };
  const [one, two] = [await listener(undefined, "room", { config }), await listener(undefined, "room", { config })];
  const member = await listener(MEMBER_TOKEN, "room");
  assert.equal(await one.channel.send({ type: "broadcast", event: "PUBLIC", payload: {} }), "ok");
  await two.until(() => two.heard.length > 0);
  await told("room", "PRIVATE", {});
  await member.until(() => member.heard.length > 0);
  // A sender that did not ask for it does not hear itself.
  assert.deepEqual([events(one), events(two), events(member)], [[], ["PUBLIC"], ["PRIVATE"]]);
  for (const client of [one, two, member]) await client.end();
});

await test("a token without the right ends the channel", async () => {
  const member = await listener(MEMBER_TOKEN, "room");
  await member.client.realtime.setAuth(STRANGER_TOKEN);
  await member.until(() => member.states.length > 1);
  assert.equal(member.states[1][0], "CLOSED");
  await told("room", "LATE", {});
  const other = await listener(SPEAKER_TOKEN, "room");
  await told("room", "LATER", {});
  await other.until(() => other.heard.length > 0);
  assert.deepEqual(events(member), []);
  await member.end();
  await other.end();
});

async function test(name, body) {
  try {
    await body();
  } catch (error) {
    console.error(name, error);
    process.exit(1);
  }
}

process.exit(0);
