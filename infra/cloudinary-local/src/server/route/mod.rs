//! The operation that a method and a path name, and its name in counts and faults.

mod kind;

use http::Method;

pub(crate) use kind::Access;

use crate::model::{DeliveryType, Id, ResourceType};

/// One operation of the API, with the values of its path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    Ping,
    Usage,
    Config,
    ResourceTypes,
    List {
        kind: ResourceType,
        delivery: Option<DeliveryType>,
    },
    ListByTag {
        kind: ResourceType,
        tag: String,
    },
    ListByContext {
        kind: ResourceType,
    },
    ListByModeration {
        kind: ResourceType,
        status: String,
    },
    ByAssetIds,
    ByAssetFolder,
    One {
        kind: ResourceType,
        delivery: DeliveryType,
        public_id: String,
    },
    OneById {
        asset_id: Id,
    },
    GetResource,
    Update {
        kind: ResourceType,
        delivery: DeliveryType,
        public_id: String,
    },
    UpdateById {
        asset_id: Id,
    },
    UpdateByBody,
    DeleteMany {
        kind: ResourceType,
        delivery: DeliveryType,
    },
    DeleteByTag {
        kind: ResourceType,
        tag: String,
    },
    DeleteByAssetIds,
    DeleteBackup {
        asset_id: Id,
    },
    DeleteDerived,
    Restore {
        kind: ResourceType,
        delivery: DeliveryType,
    },
    RestoreByAssetIds,
    Search,
    SearchFolders,
    Folders {
        parent: String,
    },
    CreateFolder {
        path: String,
    },
    RenameFolder {
        path: String,
    },
    DeleteFolder {
        path: String,
    },
    Tags {
        kind: ResourceType,
    },
    MetadataFields,
    CreateMetadataField,
    MetadataField {
        id: String,
    },
    UpdateMetadataField {
        id: String,
    },
    DeleteMetadataField {
        id: String,
    },
    UpdateDatasource {
        id: String,
    },
    DeleteFromDatasource {
        id: String,
    },
    RestoreInDatasource {
        id: String,
    },
    OrderDatasource {
        id: String,
    },
    Triggers,
    CreateTrigger,
    UpdateTrigger {
        id: Id,
    },
    DeleteTrigger {
        id: Id,
    },
    TestTrigger {
        id: Id,
    },
    /// `None`: the type is found from the file.
    Upload {
        kind: Option<ResourceType>,
    },
    Destroy {
        kind: ResourceType,
    },
    AssetDestroy,
    DeleteByToken,
    Rename {
        kind: ResourceType,
    },
    Explicit {
        kind: ResourceType,
    },
    EditTags {
        kind: ResourceType,
    },
    EditContext {
        kind: ResourceType,
    },
    EditMetadata {
        kind: ResourceType,
    },
    Download {
        kind: ResourceType,
    },
}

impl Operation {
    /// `segments`: the decoded path after `/v1_1/{cloud}`.
    pub(crate) fn of(method: &Method, segments: &[&str]) -> Option<Self> {
        match segments {
            ["resources", rest @ ..] => Self::of_resources(method, rest),
            ["folders", rest @ ..] => Self::of_folders(method, rest),
            ["metadata_fields", rest @ ..] => Self::of_metadata_fields(method, rest),
            ["triggers", rest @ ..] => Self::of_triggers(method, rest),
            _ => Self::of_others(method, segments),
        }
    }

    fn of_others(method: &Method, segments: &[&str]) -> Option<Self> {
        let get = method == Method::GET;
        let post = method == Method::POST;
        Some(match segments {
            ["ping"] if get => Self::Ping,
            ["usage"] | ["usage", _] if get => Self::Usage,
            ["config"] if get => Self::Config,
            ["tags", kind] if get => Self::Tags {
                kind: kind.parse().ok()?,
            },
            ["derived_resources"] if method == Method::DELETE => Self::DeleteDerived,
            ["upload"] if post => Self::Upload { kind: None },
            ["auto", "upload" | "upload_chunked"] if post => Self::Upload { kind: None },
            ["asset", "destroy"] if post => Self::AssetDestroy,
            ["delete_by_token"] if post => Self::DeleteByToken,
            [kind, "download"] if get => Self::Download {
                kind: kind.parse().ok()?,
            },
            [kind, action] if post => Self::of_upload(kind.parse().ok()?, action)?,
            _ => return None,
        })
    }

    fn of_upload(kind: ResourceType, action: &str) -> Option<Self> {
        Some(match action {
            "upload" | "upload_chunked" => Self::Upload { kind: Some(kind) },
            "destroy" => Self::Destroy { kind },
            "rename" => Self::Rename { kind },
            "explicit" => Self::Explicit { kind },
            "tags" => Self::EditTags { kind },
            "context" => Self::EditContext { kind },
            "metadata" => Self::EditMetadata { kind },
            _ => return None,
        })
    }

    fn of_resources(method: &Method, rest: &[&str]) -> Option<Self> {
        match *method {
            Method::GET => Self::of_reading(rest),
            Method::POST => Self::of_posting(rest),
            Method::PUT => match rest {
                [id] => Some(Self::UpdateById {
                    asset_id: id.parse().ok()?,
                }),
                [kind, delivery, name @ ..] => Self::update(kind, delivery, name),
                _ => None,
            },
            Method::DELETE => Self::of_deleting(rest),
            _ => None,
        }
    }

    fn of_reading(rest: &[&str]) -> Option<Self> {
        Some(match rest {
            [] => Self::ResourceTypes,
            ["by_asset_ids"] => Self::ByAssetIds,
            ["by_asset_folder"] => Self::ByAssetFolder,
            ["search"] => Self::Search,
            [one] => match one.parse() {
                Ok(kind) => Self::List {
                    kind,
                    delivery: None,
                },
                Err(()) => Self::OneById {
                    asset_id: one.parse().ok()?,
                },
            },
            [kind, "tags", tag @ ..] if !tag.is_empty() => Self::ListByTag {
                kind: kind.parse().ok()?,
                tag: tag.join("/"),
            },
            [kind, "context"] => Self::ListByContext {
                kind: kind.parse().ok()?,
            },
            [kind, "moderations", _, status] => Self::ListByModeration {
                kind: kind.parse().ok()?,
                status: (*status).to_owned(),
            },
            [kind, delivery] => Self::List {
                kind: kind.parse().ok()?,
                delivery: Some(delivery.parse().ok()?),
            },
            [kind, delivery, name @ ..] => Self::One {
                kind: kind.parse().ok()?,
                delivery: delivery.parse().ok()?,
                public_id: name.join("/"),
            },
        })
    }

    fn of_posting(rest: &[&str]) -> Option<Self> {
        Some(match rest {
            ["search"] => Self::Search,
            ["get_resource"] => Self::GetResource,
            ["restore"] => Self::RestoreByAssetIds,
            ["update"] => Self::UpdateByBody,
            [id] => Self::UpdateById {
                asset_id: id.parse().ok()?,
            },
            [kind, delivery, "restore"] => Self::Restore {
                kind: kind.parse().ok()?,
                delivery: delivery.parse().ok()?,
            },
            [kind, delivery, name @ ..] => Self::update(kind, delivery, name)?,
            [] => return None,
        })
    }

    fn update(kind: &str, delivery: &str, name: &[&str]) -> Option<Self> {
        (!name.is_empty()).then_some(Self::Update {
            kind: kind.parse().ok()?,
            delivery: delivery.parse().ok()?,
            public_id: name.join("/"),
        })
    }

    fn of_deleting(rest: &[&str]) -> Option<Self> {
        Some(match rest {
            [] => Self::DeleteByAssetIds,
            ["backup", id] => Self::DeleteBackup {
                asset_id: id.parse().ok()?,
            },
            [kind, "tags", tag @ ..] if !tag.is_empty() => Self::DeleteByTag {
                kind: kind.parse().ok()?,
                tag: tag.join("/"),
            },
            [kind, delivery] => Self::DeleteMany {
                kind: kind.parse().ok()?,
                delivery: delivery.parse().ok()?,
            },
            _ => return None,
        })
    }

    fn of_folders(method: &Method, rest: &[&str]) -> Option<Self> {
        if rest == ["search"] && [Method::GET, Method::POST].contains(method) {
            return Some(Self::SearchFolders);
        }
        let path = rest.join("/");
        Some(match *method {
            Method::GET => Self::Folders { parent: path },
            Method::POST if !path.is_empty() => Self::CreateFolder { path },
            Method::PUT if !path.is_empty() => Self::RenameFolder { path },
            Method::DELETE if !path.is_empty() => Self::DeleteFolder { path },
            _ => return None,
        })
    }

    fn of_metadata_fields(method: &Method, rest: &[&str]) -> Option<Self> {
        let id = || rest.first().map(|id| (*id).to_owned()).unwrap_or_default();
        Some(match (method, rest) {
            (&Method::GET, []) => Self::MetadataFields,
            (&Method::POST, []) => Self::CreateMetadataField,
            (&Method::GET, [_]) => Self::MetadataField { id: id() },
            (&Method::PUT, [_]) => Self::UpdateMetadataField { id: id() },
            (&Method::DELETE, [_]) => Self::DeleteMetadataField { id: id() },
            (&Method::PUT, [_, "datasource"]) => Self::UpdateDatasource { id: id() },
            (&Method::DELETE, [_, "datasource"]) => Self::DeleteFromDatasource { id: id() },
            (&Method::POST, [_, "datasource_restore"]) => Self::RestoreInDatasource { id: id() },
            (&Method::POST, [_, "datasource", "order"]) => Self::OrderDatasource { id: id() },
            _ => return None,
        })
    }

    fn of_triggers(method: &Method, rest: &[&str]) -> Option<Self> {
        Some(match (method, rest) {
            (&Method::GET, []) => Self::Triggers,
            (&Method::POST, []) => Self::CreateTrigger,
            (&Method::PUT, [id]) => Self::UpdateTrigger {
                id: id.parse().ok()?,
            },
            (&Method::DELETE, [id]) => Self::DeleteTrigger {
                id: id.parse().ok()?,
            },
            (&Method::POST, [id, "test"]) => Self::TestTrigger {
                id: id.parse().ok()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: Method, path: &str) -> Option<&'static str> {
        let segments: Vec<&str> = path.split('/').collect();
        Operation::of(&method, &segments).map(|operation| operation.name())
    }

    #[test]
    fn paths_name_their_operations() {
        let id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let cases = [
            (
                Method::GET,
                "resources/image".to_owned(),
                Some("resources_image"),
            ),
            (
                Method::GET,
                "resources/raw/upload".to_owned(),
                Some("resources_raw"),
            ),
            (
                Method::GET,
                "resources/image/upload/a/b".to_owned(),
                Some("resource"),
            ),
            (
                Method::GET,
                "resources/image/tags/red".to_owned(),
                Some("resources_by_tag"),
            ),
            (
                Method::GET,
                format!("resources/{id}"),
                Some("resource_by_asset_id"),
            ),
            (
                Method::PUT,
                format!("resources/{id}"),
                Some("update_by_asset_id"),
            ),
            (
                Method::POST,
                "resources/image/upload/restore".to_owned(),
                Some("restore"),
            ),
            (
                Method::POST,
                "resources/image/upload/a".to_owned(),
                Some("update"),
            ),
            (
                Method::DELETE,
                "resources".to_owned(),
                Some("delete_by_asset_ids"),
            ),
            (Method::POST, "auto/upload".to_owned(), Some("upload")),
            (
                Method::POST,
                "asset/destroy".to_owned(),
                Some("asset_destroy"),
            ),
            (Method::POST, "image/tags".to_owned(), Some("tags")),
            (Method::GET, "image/tags".to_owned(), None),
            (Method::GET, "raw/download".to_owned(), Some("download")),
            (Method::POST, "raw/download".to_owned(), None),
            (Method::GET, "resources/nonsense".to_owned(), None),
        ];
        for (method, path, wanted) in cases {
            assert_eq!(name(method.clone(), &path), wanted, "{method} {path}");
        }
    }
}
