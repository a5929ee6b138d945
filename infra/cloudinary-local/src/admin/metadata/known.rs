//! The fields that are defined, by their external ids.

use crate::error::ApiError;
use crate::model::MetadataField;
use crate::store::State;

pub(super) fn find(state: &State, id: &str) -> Result<MetadataField, ApiError> {
    let found = state.metadata_fields.get(id).cloned();
    found.ok_or_else(|| ApiError::new(404, format!("External ID {id} doesn't exist")))
}
