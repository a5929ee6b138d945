//! Addresses of thumbnails, written into the items of a page (pure).

use std::borrow::Cow;
use std::collections::HashMap;

use media_sync::asset::{DeliveryName, ResourceType};
use media_sync::cloudinary::delivery::{AddressWriter, DeliveryFacts, ThumbnailAddresses};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The facts that addresses need besides the items.
#[derive(Debug, Deserialize)]
pub(crate) struct PageDelivery {
    /// True if the caller may have keys to guarded files of others.
    opens_guarded: bool,
    /// The names in Cloudinary of assets that are not synced; nothing for those that are not there.
    stored_public_ids: HashMap<Uuid, Option<String>>,
}

/// The part of an item that its addresses depend on.
#[derive(Debug, Deserialize)]
struct ListedAsset<'a> {
    id: Uuid,
    #[serde(borrow)]
    cloudinary_public_id: Cow<'a, str>,
    resource_type: ResourceType,
    #[serde(borrow)]
    delivery_type: Cow<'a, str>,
    cloudinary_version: Option<i64>,
    #[serde(borrow)]
    format: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mime_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_mode: Option<Cow<'a, str>>,
    #[serde(borrow)]
    secure_url: Option<Cow<'a, str>>,
    uploaded_by: Option<Uuid>,
}

impl PageDelivery {
    /// The items as one JSON array. Each gets `urls`, and stays as it came otherwise. Deleted assets
    /// have no addresses, so their page has no `delivery`.
    ///
    /// # Errors
    /// When an item is not an asset.
    pub(crate) fn write_urls(
        delivery: Option<&Self>,
        items: &[Box<RawValue>],
        writer: &AddressWriter,
        caller: Uuid,
    ) -> Result<Box<RawValue>, serde_json::Error> {
        let mut page = String::from("[");
        for item in items {
            let thumbnails = match delivery {
                Some(delivery) => {
                    let asset = serde_json::from_str(item.get())?;
                    delivery.thumbnails(asset, writer, caller)
                }
                None => None,
            };
            if page.len() > 1 {
                page.push(',');
            }
            // An item is never empty, so a comma belongs before the field.
            page.push_str(without_end(item.get()));
            page.push_str(r#","urls":"#);
            page.push_str(&serde_json::to_string(&thumbnails)?);
            page.push('}');
        }
        page.push(']');
        RawValue::from_string(page)
    }

    fn thumbnails(
        &self,
        asset: ListedAsset<'_>,
        writer: &AddressWriter,
        caller: Uuid,
    ) -> Option<ThumbnailAddresses> {
        let public_id = match self.stored_public_ids.get(&asset.id) {
            Some(stored) => stored.clone()?,
            None => asset.cloudinary_public_id.into_owned(),
        };
        let name = DeliveryName {
            resource_type: asset.resource_type,
            delivery_type: asset.delivery_type.into_owned(),
            public_id,
        };
        let facts = DeliveryFacts {
            name: &name,
            version: asset.cloudinary_version,
            format: asset.format.as_deref(),
            mime_type: asset.mime_type.as_deref(),
            access_mode: asset.access_mode.as_deref(),
            secure_url: asset.secure_url.as_deref(),
        };
        let is_open =
            self.opens_guarded || asset.uploaded_by == Some(caller) || !facts.is_guarded();
        is_open.then(|| writer.thumbnails(&facts)).flatten()
    }
}

/// An object's text without its last brace.
fn without_end(object: &str) -> &str {
    let object = object.trim_end();
    object.strip_suffix('}').unwrap_or(object)
}

#[cfg(test)]
mod tests {
    use media_sync::cloudinary::ApiCredentials;
    use serde_json::{Value, json};

    use super::*;

    const CALLER: Uuid = Uuid::from_u128(7);
    const ASSET: Uuid = Uuid::from_u128(1);

    fn item(change: impl Fn(&mut Value)) -> Value {
        let mut item = json!({
            "id": ASSET, "cloudinary_public_id": "shop/mug \"}", "resource_type": "image",
            "delivery_type": "upload", "cloudinary_version": 7, "format": "png", "mime_type": "image/png",
            "access_mode": null, "secure_url": null, "uploaded_by": null, "context": {"a": {"b": "}"}},
        });
        change(&mut item);
        item
    }

    fn urls(items: &[Value], delivery: Option<Value>) -> Vec<Value> {
        let writer = AddressWriter::new(ApiCredentials::parse("cloudinary://1:b@demo").unwrap());
        let raw: Vec<_> = items
            .iter()
            .map(|item| RawValue::from_string(item.to_string()).unwrap())
            .collect();
        let delivery: Option<PageDelivery> =
            delivery.map(|delivery| serde_json::from_value(delivery).unwrap());
        let page = PageDelivery::write_urls(delivery.as_ref(), &raw, &writer, CALLER).unwrap();
        let page: Vec<Value> = serde_json::from_str(page.get()).unwrap();
        let mut urls = Vec::new();
        for (mut written, item) in page.into_iter().zip(items) {
            urls.push(written.as_object_mut().unwrap().remove("urls").unwrap());
            assert_eq!(written, *item, "all else stays as it came");
        }
        assert_eq!(urls.len(), items.len());
        urls
    }

    fn plain() -> Value {
        json!({"opens_guarded": false, "stored_public_ids": {}})
    }

    #[test]
    fn each_item_gets_its_addresses() {
        let film = item(|item| item["resource_type"] = "video".into());
        let report = item(|item| item["resource_type"] = "raw".into());
        let urls = urls(&[item(|_| ()), film, report], Some(plain()));
        let thumbnail = urls[0]["thumbnail"].as_str().unwrap();
        assert!(
            thumbnail.ends_with("w_300/v7/shop/mug%20%22%7D.png"),
            "{thumbnail}"
        );
        let poster = urls[1]["thumbnail_2x"].as_str().unwrap();
        assert!(
            poster.ends_with("w_600/v7/shop/mug%20%22%7D.jpg"),
            "{poster}"
        );
        assert_eq!(urls[2], json!({"thumbnail": null, "thumbnail_2x": null}));
    }

    #[test]
    fn an_asset_that_is_not_synced_has_the_address_under_which_it_is_delivered() {
        let delivery = |stored: Value| json!({"opens_guarded": false, "stored_public_ids": {ASSET.to_string(): stored}});
        let renamed = urls(&[item(|_| ())], Some(delivery(json!("old"))));
        let thumbnail = renamed[0]["thumbnail"].as_str().unwrap();
        assert!(thumbnail.ends_with("/v7/old.png"), "{thumbnail}");
        let waiting = urls(&[item(|_| ())], Some(delivery(Value::Null)));
        assert_eq!(waiting, [Value::Null]);
    }

    #[test]
    fn guarded_files_have_signed_addresses_for_those_who_may_open_them_alone() {
        let guarded = |owner: Option<Uuid>| {
            item(|item| {
                item["delivery_type"] = "authenticated".into();
                item["uploaded_by"] = json!(owner);
            })
        };
        let items = [guarded(None), guarded(Some(CALLER)), guarded(Some(ASSET))];
        let own = urls(&items, Some(plain()));
        assert_eq!((&own[0], &own[2]), (&Value::Null, &Value::Null));
        let signed = own[1]["thumbnail"].as_str().unwrap();
        assert!(signed.contains("/authenticated/s--"), "{signed}");
        let all = json!({"opens_guarded": true, "stored_public_ids": {}});
        assert!(urls(&items, Some(all)).iter().all(Value::is_object));
    }

    #[test]
    fn deleted_assets_and_empty_pages_have_none() {
        assert_eq!(urls(&[item(|_| ())], None), [Value::Null]);
        assert_eq!(urls(&[], Some(plain())), [Value::Null; 0]);
    }
}
