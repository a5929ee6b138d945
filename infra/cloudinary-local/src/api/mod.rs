//! The Upload API: changes of one asset, or of a few by their public ids, and its download.

pub(crate) mod addons;
mod bulk;
mod destroy;
mod download;
pub(crate) mod edit;
mod explicit;
mod file;
mod naming;
mod rename;
mod upload;

pub(crate) use bulk::{edit_context, edit_metadata, edit_tags};
pub(crate) use destroy::{by_token, delete_all, destroy, destroy_by_asset_id, forgotten};
pub(crate) use download::download;
pub(crate) use explicit::explicit;
pub(crate) use rename::rename;
pub(crate) use upload::upload;
