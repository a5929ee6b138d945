//! Notifications: the content of each event, and its way to its address.

mod deliver;
pub(crate) mod events;
pub(crate) mod poll;

pub(crate) use deliver::Deliverer;
