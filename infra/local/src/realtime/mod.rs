//! A stand-in for Supabase Realtime: Broadcast over its socket, from clients and from `realtime.messages`.
//!
//! Forms, words and order are those of <https://github.com/supabase/realtime>; the official `realtime-js` judges them.
//! Row level security on `realtime.messages` decides who may join a private topic, and who may send into it.

mod broadcast;
mod channel;
mod frames;
mod messages;
mod rights;
mod routes;
mod server;
mod socket;
mod token;

pub(crate) use messages::follow;
pub(crate) use routes::router;
pub(crate) use server::RealtimeServer;
