//! The kind of each operation: the authorization of its caller, and its name.

use super::Operation;
use crate::model::ResourceType;

/// The credentials that a caller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Basic credentials, counted against the hourly quota.
    Admin,
    /// Signed parameters.
    Upload,
    /// Signed like an upload, but `notification_url` and `batch_id` stay out of the signature.
    UploadBulk,
    /// Signed like an upload; `expires_at`, where it is given, counts instead of the timestamp's age.
    Download,
    /// The token in the body is the right.
    Token,
}

impl Operation {
    pub(crate) fn access(&self) -> Access {
        match self {
            Self::Upload { .. }
            | Self::Destroy { .. }
            | Self::AssetDestroy
            | Self::Rename { .. }
            | Self::Explicit { .. } => Access::Upload,
            Self::EditTags { .. } | Self::EditContext { .. } | Self::EditMetadata { .. } => {
                Access::UploadBulk
            }
            Self::Download { .. } => Access::Download,
            Self::DeleteByToken => Access::Token,
            _ => Access::Admin,
        }
    }

    /// Its name in request counts and fault patterns.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::ResourceTypes => "resource_types",
            Self::List { kind, .. } => match kind {
                ResourceType::Image => "resources_image",
                ResourceType::Video => "resources_video",
                ResourceType::Raw => "resources_raw",
            },
            Self::ListByTag { .. } => "resources_by_tag",
            Self::ListByContext { .. } => "resources_by_context",
            Self::ListByModeration { .. } => "resources_by_moderation",
            Self::ByAssetIds => "by_asset_ids",
            Self::ByAssetFolder => "by_asset_folder",
            Self::One { .. } | Self::GetResource => "resource",
            Self::OneById { .. } => "resource_by_asset_id",
            Self::Update { .. } | Self::UpdateByBody => "update",
            Self::UpdateById { .. } => "update_by_asset_id",
            Self::DeleteMany { .. } => "delete_resources",
            Self::DeleteByTag { .. } => "delete_by_tag",
            Self::DeleteByAssetIds => "delete_by_asset_ids",
            Self::DeleteBackup { .. } => "delete_backup",
            Self::DeleteDerived => "delete_derived",
            Self::Restore { .. } => "restore",
            Self::RestoreByAssetIds => "restore_by_asset_ids",
            Self::Search => "search",
            Self::SearchFolders => "search_folders",
            Self::Folders { .. } => "folders",
            Self::CreateFolder { .. } => "create_folder",
            Self::RenameFolder { .. } => "rename_folder",
            Self::DeleteFolder { .. } => "delete_folder",
            Self::Tags { .. } => "list_tags",
            Self::MetadataFields => "metadata_fields",
            Self::CreateMetadataField => "create_metadata_field",
            Self::MetadataField { .. } => "metadata_field",
            Self::UpdateMetadataField { .. } => "update_metadata_field",
            Self::DeleteMetadataField { .. } => "delete_metadata_field",
            Self::UpdateDatasource { .. } => "update_datasource",
            Self::DeleteFromDatasource { .. } => "delete_from_datasource",
            Self::RestoreInDatasource { .. } => "restore_in_datasource",
            Self::OrderDatasource { .. } => "order_datasource",
            Self::Triggers => "triggers",
            Self::CreateTrigger => "create_trigger",
            Self::UpdateTrigger { .. } => "update_trigger",
            Self::DeleteTrigger { .. } => "delete_trigger",
            Self::TestTrigger { .. } => "test_trigger",
            Self::Upload { .. } => "upload",
            Self::Destroy { .. } => "destroy",
            Self::AssetDestroy => "asset_destroy",
            Self::DeleteByToken => "delete_by_token",
            Self::Rename { .. } => "rename",
            Self::Explicit { .. } => "explicit",
            Self::EditTags { .. } => "tags",
            Self::EditContext { .. } => "context",
            Self::EditMetadata { .. } => "metadata",
            Self::Download { .. } => "download",
        }
    }
}
