//! Structured metadata fields and their lists.

mod datasource;
mod fields;
mod known;

pub(crate) use datasource::{delete_entries, order_entries, restore_entries, update_entries};
pub(crate) use fields::{create_field, delete_field, list_fields, one_field, update_field};
