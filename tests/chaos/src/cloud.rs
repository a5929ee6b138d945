//! A library in memory that behaves as Cloudinary does, and tells as much of itself.

use std::collections::BTreeMap;

use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::escape::metadata_value;
use media_sync::observation::{AbsenceMeaning, Observation, ObservedState};
use media_sync::time::Timestamp;
use serde_json::{Map, Value, json};

const SECOND: i64 = 1_000_000;

/// One asset, alive or in the trash.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudAsset {
    pub id: AssetId,
    pub public_id: String,
    /// Unix seconds.
    pub version: i64,
    pub etag: String,
    pub folder: String,
    pub display_name: String,
    pub tags: Vec<String>,
    pub context: BTreeMap<String, String>,
    pub metadata: Map<String, Value>,
    pub alive: bool,
    pub has_backup: bool,
}

/// Changes of the library, by people there or by us.
#[derive(Clone, Debug, PartialEq)]
pub enum LibraryChange {
    /// A new asset, or new content of the one that has the name.
    Upload {
        public_id: String,
        tags: Vec<String>,
        context: BTreeMap<String, String>,
    },
    Delete(AssetId),
    Restore(AssetId),
    Rename {
        from: String,
        to: String,
    },
    AddTags(Vec<String>, Vec<String>),
    RemoveTags(Vec<String>, Vec<String>),
    /// An empty value removes its key.
    MergeContext(Vec<String>, BTreeMap<String, String>),
    /// Null removes a field.
    SetMetadata(Vec<String>, Map<String, Value>),
    Update {
        id: AssetId,
        folder: Option<String>,
        display_name: Option<String>,
    },
    RenameFolder {
        from: String,
        to: String,
    },
}

/// Reasons why the library refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryRefusal {
    NotFound,
    NameTaken,
    NoBackup,
}

/// A library, and the notifications that it still has to send.
#[derive(Clone, Debug, Default)]
pub struct CloudLibrary {
    pub assets: BTreeMap<AssetId, CloudAsset>,
    /// Bodies, in the order of their events.
    pub outbox: Vec<String>,
    /// True if a name that comes back revives its old id, as accounts with backups seem to.
    pub reuses_ids: bool,
    pub has_backups: bool,
    /// Microseconds.
    pub now: i64,
    /// By how much less than `now` the one who is at work knows for certain: `Date` headers have
    /// whole seconds, and everybody knows the clock by other headers. So of two looks within a
    /// second the later one may be stamped as the earlier.
    pub lag: i64,
    made: u128,
}

impl CloudLibrary {
    fn at(&self) -> String {
        Timestamp::from_micros(self.now).to_string()
    }

    /// A moment that is certainly not later than now, as far as the one who is at work knows.
    pub fn lower_bound(&self) -> Timestamp {
        Timestamp::from_micros(self.now - self.lag)
    }

    /// A moment that is certainly not earlier than now.
    pub fn upper_bound(&self) -> Timestamp {
        Timestamp::from_micros(self.now + SECOND)
    }

    fn named(&mut self, public_id: &str) -> Option<&mut CloudAsset> {
        self.assets
            .values_mut()
            .find(|asset| asset.alive && asset.public_id == public_id)
    }

    /// The live asset of this name.
    pub fn find(&self, public_id: &str) -> Option<&CloudAsset> {
        self.assets
            .values()
            .find(|asset| asset.alive && asset.public_id == public_id)
    }

    /// The assets that a change would meet now.
    pub fn met_by(&self, change: &LibraryChange) -> Vec<AssetId> {
        let by_name = |names: &[String]| {
            let met = names.iter().filter_map(|name| self.find(name));
            met.map(|asset| asset.id.clone()).collect()
        };
        match change {
            LibraryChange::Upload { public_id, .. } => by_name(std::slice::from_ref(public_id)),
            LibraryChange::Rename { from, .. } => by_name(std::slice::from_ref(from)),
            LibraryChange::AddTags(names, _)
            | LibraryChange::RemoveTags(names, _)
            | LibraryChange::MergeContext(names, _)
            | LibraryChange::SetMetadata(names, _) => by_name(names),
            LibraryChange::Delete(id)
            | LibraryChange::Restore(id)
            | LibraryChange::Update { id, .. } => {
                vec![id.clone()]
            }
            LibraryChange::RenameFolder { .. } => Vec::new(),
        }
    }

    pub fn alive(&self) -> impl Iterator<Item = &CloudAsset> {
        self.assets.values().filter(|asset| asset.alive)
    }

    /// Makes the change, and the notifications of it.
    ///
    /// # Errors
    /// As Cloudinary refuses it; bulk changes skip missing assets instead.
    pub fn apply(&mut self, change: &LibraryChange) -> Result<(), LibraryRefusal> {
        match change {
            LibraryChange::Upload {
                public_id,
                tags,
                context,
            } => self.upload(public_id, tags, context),
            LibraryChange::Delete(id) => return self.delete(id),
            LibraryChange::Restore(id) => return self.restore(id),
            LibraryChange::Rename { from, to } => return self.rename(from, to),
            LibraryChange::AddTags(names, tags) => self.change_tags(names, tags, true),
            LibraryChange::RemoveTags(names, tags) => self.change_tags(names, tags, false),
            LibraryChange::MergeContext(names, pairs) => self.merge_context(names, pairs),
            LibraryChange::SetMetadata(names, fields) => self.set_metadata(names, fields),
            LibraryChange::Update {
                id,
                folder,
                display_name,
            } => return self.update(id, folder.as_ref(), display_name.as_ref()),
            LibraryChange::RenameFolder { from, to } => self.rename_folder(from, to),
        }
        Ok(())
    }

    fn upload(&mut self, public_id: &str, tags: &[String], context: &BTreeMap<String, String>) {
        let now = self.now;
        self.made += 1;
        let made = self.made;
        let known = self.find(public_id).map(|asset| asset.id.clone());
        let revived = || {
            let trash = self.assets.values().filter(|asset| !asset.alive);
            let same = trash.filter(|asset| asset.public_id == public_id && asset.has_backup);
            same.map(|asset| asset.id.clone()).next_back()
        };
        let id = known
            .or_else(|| self.reuses_ids.then(revived).flatten())
            .unwrap_or_else(|| AssetId::parse(&format!("{made:032x}")).expect("32 hex digits"));
        let folder = self.assets.get(&id).map(|asset| asset.folder.clone());
        // An overwrite clears what it does not bring.
        let asset = CloudAsset {
            id: id.clone(),
            public_id: public_id.to_owned(),
            version: now.div_euclid(1_000_000),
            etag: format!("etag-{made}"),
            folder: folder.unwrap_or_default(),
            display_name: public_id.to_owned(),
            tags: tags.to_vec(),
            context: context.clone(),
            metadata: Map::new(),
            alive: true,
            has_backup: self.has_backups,
        };
        let mut body = asset.told();
        // Only what is there is told.
        if asset.context.is_empty() {
            body.remove("context");
        }
        body.remove("metadata");
        body.insert("etag".to_owned(), json!(asset.etag));
        self.assets.insert(id, asset);
        self.notify("upload", body);
    }

    fn delete(&mut self, id: &AssetId) -> Result<(), LibraryRefusal> {
        let asset = self.assets.get_mut(id).filter(|asset| asset.alive);
        let asset = asset.ok_or(LibraryRefusal::NotFound)?;
        asset.alive = false;
        let item = asset.told();
        self.notify(
            "delete",
            Map::from_iter([("resources".to_owned(), json!([item]))]),
        );
        Ok(())
    }

    /// Says nothing: whether a restore is announced is not documented.
    fn restore(&mut self, id: &AssetId) -> Result<(), LibraryRefusal> {
        let now = self.now;
        let asset = self.assets.get(id).ok_or(LibraryRefusal::NotFound)?;
        if asset.alive {
            return Ok(());
        }
        if !asset.has_backup {
            return Err(LibraryRefusal::NoBackup);
        }
        if self.find(&asset.public_id).is_some() {
            return Err(LibraryRefusal::NameTaken);
        }
        if let Some(asset) = self.assets.get_mut(id) {
            asset.alive = true;
            asset.version = now.div_euclid(SECOND);
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), LibraryRefusal> {
        if self.find(to).is_some() {
            return Err(LibraryRefusal::NameTaken);
        }
        let asset = self.named(from).ok_or(LibraryRefusal::NotFound)?;
        to.clone_into(&mut asset.public_id);
        let id = asset.id.clone();
        let body = json!({
            "resource_type": "image", "type": "upload", "asset_id": id,
            "from_public_id": from, "to_public_id": to,
        });
        self.notify("rename", into_map(body));
        Ok(())
    }

    fn change_tags(&mut self, names: &[String], tags: &[String], add: bool) {
        let mut told = Vec::new();
        for name in names {
            let Some(asset) = self.named(name) else {
                continue;
            };
            let before = asset.tags.clone();
            asset.tags.retain(|tag| add || !tags.contains(tag));
            if add {
                let missing = tags.iter().filter(|tag| !before.contains(tag));
                asset.tags.extend(missing.cloned());
            }
            if asset.tags != before {
                told.push(json!({
                    "asset_id": asset.id, "public_id": name, "resource_type": "image", "type": "upload",
                    "added": if add { tags } else { &[] }, "removed": if add { &[] } else { tags },
                }));
            }
        }
        if !told.is_empty() {
            self.notify(
                "resource_tags_changed",
                into_map(json!({"resources": told})),
            );
        }
    }

    fn merge_context(&mut self, names: &[String], pairs: &BTreeMap<String, String>) {
        self.change_each(names, "resource_context_changed", |asset| {
            for (key, value) in pairs {
                if value.is_empty() {
                    asset.context.remove(key);
                } else {
                    asset.context.insert(key.clone(), value.clone());
                }
            }
        });
    }

    fn set_metadata(&mut self, names: &[String], fields: &Map<String, Value>) {
        self.change_each(names, "resource_metadata_changed", |asset| {
            for (key, value) in fields {
                if value.is_null() {
                    asset.metadata.remove(key);
                } else {
                    asset.metadata.insert(key.clone(), typed(key, value));
                }
            }
        });
    }

    /// Changes that are announced as a map by public id.
    fn change_each(&mut self, names: &[String], kind: &str, change: impl Fn(&mut CloudAsset)) {
        let mut told = Map::new();
        for name in names {
            let Some(asset) = self.named(name) else {
                continue;
            };
            let before = asset.clone();
            change(asset);
            if *asset != before {
                let item =
                    json!({"asset_id": asset.id, "resource_type": "image", "type": "upload"});
                told.insert(name.clone(), item);
            }
        }
        if !told.is_empty() {
            self.notify(kind, into_map(json!({"resources": told})));
        }
    }

    fn update(
        &mut self,
        id: &AssetId,
        folder: Option<&String>,
        display_name: Option<&String>,
    ) -> Result<(), LibraryRefusal> {
        let asset = self.assets.get(id).filter(|asset| asset.alive);
        let name = asset.ok_or(LibraryRefusal::NotFound)?.public_id.clone();
        if let Some(folder) = folder {
            let move_to = |asset: &mut CloudAsset| asset.folder.clone_from(folder);
            self.change_each(std::slice::from_ref(&name), "move", move_to);
        }
        if let Some(display_name) = display_name {
            let rename = |asset: &mut CloudAsset| asset.display_name.clone_from(display_name);
            self.change_each(&[name], "resource_display_name_changed", rename);
        }
        Ok(())
    }

    fn rename_folder(&mut self, from: &str, to: &str) {
        let mut moved = false;
        for asset in self.assets.values_mut() {
            if asset.folder == from {
                to.clone_into(&mut asset.folder);
                moved |= asset.alive;
            }
        }
        if moved {
            let body = json!({"from_path": from, "to_path": to});
            self.notify("move_or_rename_asset_folder", into_map(body));
        }
    }

    fn notify(&mut self, kind: &str, mut body: Map<String, Value>) {
        body.insert("notification_type".to_owned(), json!(kind));
        let context =
            json!({"triggered_at": self.at(), "triggered_by": {"source": "api", "id": "1"}});
        body.insert("notification_context".to_owned(), context);
        self.outbox.push(Value::Object(body).to_string());
    }

    /// The Admin API's word on these assets: they are there, or they are not.
    pub fn look(
        &self,
        wanted: &BTreeMap<AssetId, Option<DeliveryName>>,
        at: Timestamp,
    ) -> Vec<Observation> {
        let look = |(id, name): (&AssetId, &Option<DeliveryName>)| {
            let asset = self.assets.get(id).filter(|asset| asset.alive);
            asset
                .and_then(|asset| asset.observe(at))
                .unwrap_or_else(|| Observation {
                    asset_id: id.clone(),
                    at,
                    fact: ObservedState::Gone(name.clone()),
                })
        };
        wanted.iter().map(look).collect()
    }

    /// One page of a listing, by order of appearance, and where the next begins.
    pub fn list(
        &self,
        after: Option<&AssetId>,
        limit: usize,
    ) -> (Vec<Observation>, Option<AssetId>) {
        let rest = self
            .assets
            .values()
            .filter(|asset| asset.alive && after.is_none_or(|after| asset.id > *after));
        let page: Vec<&CloudAsset> = rest.take(limit).collect();
        let next = page.get(limit - 1).map(|asset| asset.id.clone());
        let at = self.lower_bound();
        (
            page.iter().filter_map(|asset| asset.observe(at)).collect(),
            next,
        )
    }
}

/// The fate of a value on its way: a form carries text, and the field's type makes a value of it.
/// `owner` is a field of whole numbers, the others are texts.
fn typed(key: &str, value: &Value) -> Value {
    let text = metadata_value(value);
    match text.parse::<i64>() {
        Ok(number) if key == "owner" => number.into(),
        _ => text.into(),
    }
}

impl CloudAsset {
    fn told(&self) -> Map<String, Value> {
        into_map(json!({
            "asset_id": self.id, "public_id": self.public_id, "resource_type": "image", "type": "upload",
            "version": self.version, "asset_folder": self.folder, "display_name": self.display_name,
            "tags": self.tags, "context": {"custom": self.context}, "metadata": self.metadata,
        }))
    }

    fn observe(&self, at: Timestamp) -> Option<Observation> {
        let resource: CloudinaryResource =
            serde_json::from_value(Value::Object(self.told())).ok()?;
        Observation::of_resource(&resource, at, AbsenceMeaning::Everything)
    }
}

/// The name of an asset in the model: they are all uploaded images.
pub fn name(public_id: &str) -> DeliveryName {
    DeliveryName {
        resource_type: ResourceType::Image,
        delivery_type: "upload".to_owned(),
        public_id: public_id.to_owned(),
    }
}

fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
