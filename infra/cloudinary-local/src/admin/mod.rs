//! The Admin API: reading, editing and deleting many, folders, metadata fields and triggers.

mod account;
mod delete;
mod folders;
mod listing;
mod metadata;
mod one;
mod restore;
mod triggers;
mod update;

pub(crate) use account::{config, ping, resource_types, tags, usage};
pub(crate) use delete::{
    delete_backup, delete_by_asset_ids, delete_by_tag, delete_derived, delete_many,
};
pub(crate) use folders::{create_folder, delete_folder, list_folders, rename_folder};
pub(crate) use listing::{
    bind, by_asset_folder, by_asset_ids, by_context, by_moderation, by_tag, list, max_results,
    shown_in_listing,
};
pub(crate) use metadata::{
    create_field, delete_entries, delete_field, list_fields, one_field, order_entries,
    restore_entries, update_entries, update_field,
};
pub(crate) use one::{get_resource, one, one_by_id};
pub(crate) use restore::{restore, restore_by_asset_ids};
pub(crate) use triggers::{
    create_trigger, delete_trigger, list_triggers, test_trigger, update_trigger,
};
pub(crate) use update::{update, update_by_body, update_by_id};
