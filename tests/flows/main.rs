//! The flows of media-sync on a whole local stack: real PostgreSQL, real PostgREST, real SQS
//! semantics, the real functions deployed from the real template.
//!
//! Each test has a stack of its own, so each one tells a whole story. Long ones are told in steps with names.

#![warn(clippy::too_many_lines)]

mod approval;
mod bad_input;
mod beyond_measure;
mod boundary;
mod bounds;
mod callers;
mod collections;
mod commas;
mod console;
mod costs;
mod database;
mod deadlines;
mod decisions;
mod deletes;
mod dry_runs;
mod edits;
mod events;
mod explained;
mod fence;
mod folded;
mod forgotten;
mod front;
mod garbled;
mod getting_started;
mod guarded;
mod held;
mod imports;
mod issues;
mod leases;
mod listing;
mod live_updates;
mod missed;
mod moderation;
mod outages;
mod overtaken;
mod passing;
mod people;
mod permissions;
mod quota;
mod records;
mod redrive;
mod refused_changes;
mod refused_rows;
mod repeats;
mod requests;
mod roles;
mod rotation;
mod scale;
mod searching;
mod series;
mod settings;
mod short_answers;
mod side_by_side;
mod slices;
mod stories;
mod trail;
mod triggers;
mod unchanged;
mod uploads;
mod value_rules;
mod waiting;
mod watching;
mod webhooks;
