//! Structured metadata fields: their values, defaults and refusals.

use serde_json::{Value, json};

use super::support::{Local, local};

async fn with_fields(fields: &[Value]) -> Local {
    let server = local(json!({})).await;
    for field in fields {
        server
            .admin("POST", "metadata_fields", field.clone())
            .await
            .ok();
    }
    server
}

fn colours() -> Value {
    json!({"external_id": "colours", "label": "Colours", "type": "set", "datasource": {"values": [
        {"external_id": "red", "value": "Red"}, {"external_id": "blue", "value": "Blue"},
    ]}})
}

async fn write(server: &Local, metadata: &str) -> (u16, Value) {
    let call = json!({"metadata": metadata, "public_ids": ["a"]});
    let answer = server.upload_api("image/metadata", call).await;
    let message = json!(answer.message());
    (answer.status, message)
}

#[tokio::test]
async fn values_are_typed_by_their_fields_and_unknown_fields_are_refused() {
    let stock = json!({"external_id": "stock", "label": "Stock", "type": "integer"});
    let server = with_fields(&[stock, colours()]).await;
    let asset = server
        .pixel(
            "a",
            json!({"metadata": "stock=007|colours=[\"red\",\"blue\"]"}),
        )
        .await;
    assert_eq!(
        asset["metadata"],
        json!({"stock": 7, "colours": ["red", "blue"]})
    );
    for (bad, message) in [
        ("stock=many", "Value many is invalid for field: stock"),
        (
            "colours=[\"green\"]",
            "Value [\"green\"] is invalid for field: colours",
        ),
        ("unknown=1", "Invalid value  for parameter kind"),
        ("unknown=", "Invalid value  for parameter kind"),
    ] {
        assert_eq!(write(&server, bad).await, (400, json!(message)), "{bad}");
    }
}

#[tokio::test]
async fn any_field_is_taken_as_text_where_the_switch_says_so() {
    let server = local(json!({"any_metadata_field": true})).await;
    let asset = server.pixel("a", json!({"metadata": "stock=5"})).await;
    assert_eq!(asset["metadata"], json!({"stock": "5"}));
}

#[tokio::test]
async fn uploads_get_defaults_and_need_the_values_that_are_required() {
    let server = with_fields(&[
        json!({"external_id": "origin", "label": "Origin", "type": "string", "default_value": "here"}),
        json!({"external_id": "sku", "label": "SKU", "type": "string", "mandatory": true}),
    ])
    .await;
    let upload = json!({"file": super::support::PIXEL, "public_id": "a"});
    assert_eq!(server.upload_api("image/upload", upload).await.status, 400);
    let asset = server.pixel("a", json!({"metadata": "sku=M-1"})).await;
    let message = json!("Metadata field sku is mandatory");
    assert_eq!(write(&server, "sku=").await, (400, message));
    assert_eq!(asset["metadata"], json!({"sku": "M-1", "origin": "here"}));
    let overwritten = server
        .pixel("a", json!({"metadata": "sku=M-2|origin=there"}))
        .await;
    assert_eq!(
        overwritten["metadata"],
        json!({"sku": "M-2", "origin": "there"})
    );
}

#[tokio::test]
async fn deleted_entry_of_a_list_is_refused_until_it_is_restored() {
    let server = with_fields(&[colours()]).await;
    server.pixel("a", json!({})).await;
    let red = json!({"external_ids": ["red"]});
    let left = server
        .admin("DELETE", "metadata_fields/colours/datasource", red.clone())
        .await
        .ok();
    assert_eq!(left["values"].as_array().unwrap().len(), 1);
    assert_eq!(write(&server, "colours=[\"red\"]").await.0, 400);
    server
        .admin("POST", "metadata_fields/colours/datasource_restore", red)
        .await
        .ok();
    assert_eq!(write(&server, "colours=[\"red\"]").await.0, 200);
}
