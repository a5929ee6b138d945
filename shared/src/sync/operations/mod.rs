//! From intents to the calls that carry them out, as few as possible (pure).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::asset::{AssetId, DeliveryName, ResourceType};
use crate::cloudinary::ResourceUpdate;
use crate::cloudinary::admin::MAX_ASSET_IDS;
use crate::cloudinary::name_lists::may_be_split;
use crate::cloudinary::upload::{MAX_PUBLIC_IDS, MAX_TAGS_TIMES_IDS};
use crate::intent::{EditableValues, Intent, PairWishes};
use crate::row::AssetRow;

/// One call to Cloudinary, for one or many rows.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    pub rows: Vec<Uuid>,
    pub kind: OperationKind,
}

/// The kind of call. Names are those that Cloudinary has now.
#[derive(Clone, PartialEq, Debug)]
pub enum OperationKind {
    Delete(Vec<AssetId>),
    Restore(Vec<AssetId>),
    AddTags(OperationTargets, Vec<String>),
    RemoveTags(OperationTargets, Vec<String>),
    /// An empty value removes its key.
    MergeContext(OperationTargets, BTreeMap<String, String>),
    /// Null clears a field.
    SetMetadata(OperationTargets, Map<String, Value>),
    /// One asset, by its id.
    Update {
        asset_id: AssetId,
        update: ResourceUpdate,
    },
    Rename {
        from: DeliveryName,
        to: String,
    },
}

/// Assets of one resource and delivery type, by public ids that no list is split within.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OperationTargets {
    pub resource_type: ResourceType,
    pub delivery_type: String,
    pub public_ids: Vec<String>,
}

/// Operations, to be carried out stage by stage: within a stage in any order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OperationStages {
    /// Calls that delete or restore assets.
    pub existence: Vec<Operation>,
    /// Calls that use the name that Cloudinary has now, or the id.
    pub edits: Vec<Operation>,
    /// Calls that change the names.
    pub renames: Vec<Operation>,
}

/// Plans the calls that the rows' intents need. `bulk` says whether deletes may be put together,
/// which costs a call of the Admin API's quota; single ones cost none.
pub fn plan_operations(rows: &[AssetRow], bulk: bool) -> OperationStages {
    let mut grouped = Grouped::default();
    for row in rows {
        grouped.take(row);
    }
    grouped.into_operations(bulk)
}

/// The grouping of changes of many assets: the kind of call, and the kind of asset.
type Kind = (ResourceType, String);
type Members = Vec<(Uuid, String)>;

#[derive(Default)]
struct Grouped {
    deletes: Vec<(Uuid, AssetId)>,
    restores: Vec<(Uuid, AssetId)>,
    added: BTreeMap<(Kind, Vec<String>), Members>,
    removed: BTreeMap<(Kind, Vec<String>), Members>,
    context: BTreeMap<(Kind, Vec<(String, String)>), Members>,
    /// JSON has no order of its own: grouped by its text.
    metadata: BTreeMap<(Kind, String), (Map<String, Value>, Members)>,
    updates: Vec<Operation>,
    renames: Vec<Operation>,
}

impl Grouped {
    fn take(&mut self, row: &AssetRow) {
        let Some(intent) = &row.intent else { return };
        let id = row.cloudinary_asset_id.clone();
        match (intent.is_delete(), row.is_gone()) {
            (true, false) => return self.deletes.push((row.id, id)),
            (false, true) if intent.is_restore() => return self.restores.push((row.id, id)),
            // Nothing can be edited that is not there.
            (_, true) => return,
            (false, false) => {}
        }
        let observed = row.observed_values();
        let name = row.observed_name();
        let wishes = OpenWishes::of(intent, observed);
        let folder = intent.folder.as_ref().map(|wish| wish.to.clone());
        let display_name = intent.display_name.as_ref();
        let display_name = display_name.filter(|wish| wish.to != observed.display_name);
        let mut update = ResourceUpdate {
            asset_folder: folder.filter(|folder| *folder != observed.folder),
            display_name: display_name.and_then(|wish| wish.to.clone()),
            ..ResourceUpdate::default()
        };
        if may_be_split(&name.public_id) {
            wishes.add_to(&mut update, &intent.over(observed));
        } else {
            self.group(row.id, &name, wishes);
        }
        if update != ResourceUpdate::default() {
            self.updates.push(Operation {
                rows: vec![row.id],
                kind: OperationKind::Update {
                    asset_id: id,
                    update,
                },
            });
        }
        if let Some(wish) = &intent.public_id
            && wish.to != name.public_id
        {
            self.renames.push(Operation {
                rows: vec![row.id],
                kind: OperationKind::Rename {
                    from: name,
                    to: wish.to.clone(),
                },
            });
        }
    }

    /// Adds a row to the changes that many assets get alike.
    fn group(&mut self, row: Uuid, name: &DeliveryName, wishes: OpenWishes) {
        let kind: Kind = (name.resource_type, name.delivery_type.clone());
        let member = (row, name.public_id.clone());
        for (groups, tags) in [
            (&mut self.added, wishes.added),
            (&mut self.removed, wishes.removed),
        ] {
            if !tags.is_empty() {
                let group = groups.entry((kind.clone(), tags)).or_default();
                group.push(member.clone());
            }
        }
        if !wishes.context.is_empty() {
            let key = (kind.clone(), wishes.context);
            self.context.entry(key).or_default().push(member.clone());
        }
        if !wishes.metadata.is_empty() {
            let key = (kind, Value::Object(wishes.metadata.clone()).to_string());
            let group = self.metadata.entry(key);
            let (_, group) = group.or_insert_with(|| (wishes.metadata, Vec::new()));
            group.push(member);
        }
    }

    fn into_operations(self, bulk: bool) -> OperationStages {
        let together = if bulk { MAX_ASSET_IDS } else { 1 };
        let deletes = by_ids(&self.deletes, together, OperationKind::Delete);
        let restores = by_ids(&self.restores, MAX_ASSET_IDS, OperationKind::Restore);
        let mut edits = self.updates;
        for ((kind, tags), members) in self.added {
            edits.extend(by_name(kind, &members, ids_beside(&tags), |targets| {
                OperationKind::AddTags(targets, tags.clone())
            }));
        }
        for ((kind, tags), members) in self.removed {
            edits.extend(by_name(kind, &members, ids_beside(&tags), |targets| {
                OperationKind::RemoveTags(targets, tags.clone())
            }));
        }
        for ((kind, pairs), members) in self.context {
            edits.extend(by_name(kind, &members, MAX_PUBLIC_IDS, |targets| {
                OperationKind::MergeContext(targets, pairs.iter().cloned().collect())
            }));
        }
        for ((kind, _), (metadata, members)) in self.metadata {
            edits.extend(by_name(kind, &members, MAX_PUBLIC_IDS, |targets| {
                OperationKind::SetMetadata(targets, metadata.clone())
            }));
        }
        OperationStages {
            existence: deletes.chain(restores).collect(),
            edits,
            renames: self.renames,
        }
    }
}

/// The wishes of an intent that calls for many assets carry out, where they are not observed to
/// hold.
struct OpenWishes {
    added: Vec<String>,
    removed: Vec<String>,
    context: Vec<(String, String)>,
    metadata: Map<String, Value>,
}

impl OpenWishes {
    fn of(intent: &Intent, observed: &EditableValues) -> Self {
        let tags = |there: bool| -> Vec<String> {
            let wished = intent.tags.iter();
            wished
                .filter(|(tag, wanted)| **wanted == there && observed.tags.contains(*tag) != there)
                .map(|(tag, _)| tag.clone())
                .collect()
        };
        let context = open(&intent.context, &observed.context);
        let metadata = open(&intent.metadata, &observed.metadata);
        Self {
            added: tags(true),
            removed: tags(false),
            context: context
                .map(|(key, value)| (key.clone(), text(value)))
                .collect(),
            metadata: metadata
                .map(|(key, value)| (key.clone(), value.cloned().unwrap_or_default()))
                .collect(),
        }
    }

    /// Adds them to the change of one asset by its id, which takes tags and context as wholes; `wanted`
    /// are all its values with the wishes laid over them.
    fn add_to(self, update: &mut ResourceUpdate, wanted: &EditableValues) {
        if !self.added.is_empty() || !self.removed.is_empty() {
            update.tags = Some(wanted.tags.iter().cloned().collect());
        }
        if !self.context.is_empty() {
            let whole = wanted.context.iter();
            let whole = whole.map(|(key, value)| (key.clone(), text(Some(value))));
            update.context = Some(whole.chain(self.context).collect());
        }
        if !self.metadata.is_empty() {
            update.metadata = Some(self.metadata);
        }
    }
}

/// The wishes that are not observed to hold.
fn open<'a>(
    wishes: &'a PairWishes,
    observed: &'a BTreeMap<String, Value>,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>)> {
    let wishes = wishes.0.iter().map(|(key, wish)| (key, wish.to.as_ref()));
    wishes.filter(|(key, to)| *to != observed.get(*key))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn by_ids(
    members: &[(Uuid, AssetId)],
    together: usize,
    kind: fn(Vec<AssetId>) -> OperationKind,
) -> impl Iterator<Item = Operation> {
    members.chunks(together).map(move |chunk| Operation {
        rows: chunk.iter().map(|(row, _)| *row).collect(),
        kind: kind(chunk.iter().map(|(_, id)| id.clone()).collect()),
    })
}

/// The number of public ids that one call takes beside these tags.
fn ids_beside(tags: &[String]) -> usize {
    (MAX_TAGS_TIMES_IDS / tags.len().max(1)).clamp(1, MAX_PUBLIC_IDS)
}

fn by_name(
    (resource_type, delivery_type): Kind,
    members: &[(Uuid, String)],
    together: usize,
    kind: impl Fn(OperationTargets) -> OperationKind,
) -> Vec<Operation> {
    let chunks = members.chunks(together);
    chunks
        .map(|chunk| Operation {
            rows: chunk.iter().map(|(row, _)| *row).collect(),
            kind: kind(OperationTargets {
                resource_type,
                delivery_type: delivery_type.clone(),
                public_ids: chunk.iter().map(|(_, name)| name.clone()).collect(),
            }),
        })
        .collect()
}

impl OperationStages {
    pub fn is_empty(&self) -> bool {
        self.existence.is_empty() && self.edits.is_empty() && self.renames.is_empty()
    }

    /// The rows for which anything is done.
    pub fn rows(&self) -> BTreeSet<Uuid> {
        let all = self.existence.iter().chain(&self.edits);
        all.chain(&self.renames)
            .flat_map(|operation| operation.rows.iter().copied())
            .collect()
    }
}

#[cfg(test)]
mod tests;
