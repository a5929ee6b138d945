//! Notifications: what each event says, and how it reaches its address.

mod deliver;
pub(crate) mod events;

pub(crate) use deliver::Deliverer;
