//! Supabase Auth, as far as applications of this project use it.
//!
//! Users, passwords, sessions, invitations and the admin API, with the paths, statuses, codes, claims and tables of
//! GoTrue (<https://github.com/supabase/auth>). The official client `auth-js` is the judge. A feature that GoTrue has
//! and this has not answers 501 and says so.

mod caller;
mod email;
mod errors;
mod mails;
mod pages;
mod passwords;
mod pkce;
mod routes;
mod server;
mod store;
mod time;
mod tokens;
mod users;

pub use mails::SentMail;
pub(crate) use routes::router;
pub(crate) use server::{AuthServer, AuthSettings};
