//! Reads PostgreSQL's publication as a subscriber does: logical replication, plugin `pgoutput`, protocol 1.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// One published change of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedChange {
    /// `schema.table`
    pub table: String,
    /// `I`, `U` or `D`.
    pub operation: char,
    /// The columns of the publication with their values as text.
    pub columns: BTreeMap<String, Option<String>>,
}

/// A place in the stream, behind which everything is kept until it has been read.
#[derive(Debug)]
pub struct StreamPosition {
    slot: String,
    publication: String,
}

impl StreamPosition {
    /// Begins here and now.
    pub async fn begin(client: &Client, publication: &str) -> Self {
        let slot = format!("test_{publication}");
        client
            .query(
                "select pg_create_logical_replication_slot($1, 'pgoutput', true)",
                &[&slot],
            )
            .await
            .expect("wal_level is logical");
        Self {
            slot,
            publication: publication.to_owned(),
        }
    }

    /// Reads the changes published since the beginning or the last reading.
    pub async fn read(&self, client: &Client) -> Vec<PublishedChange> {
        let rows = client
            .query(
                "select data from pg_logical_slot_get_binary_changes($1, null, null,
                    'proto_version', '1', 'publication_names', $2)",
                &[&self.slot, &self.publication],
            )
            .await
            .expect("the slot can be read");
        let mut relations = BTreeMap::new();
        rows.iter()
            .filter_map(|row| decode(row.get(0), &mut relations))
            .collect()
    }
}

#[derive(Debug)]
struct Relation {
    table: String,
    columns: Vec<String>,
}

/// See "Logical Replication Message Formats" of PostgreSQL's manual.
fn decode(message: &[u8], relations: &mut BTreeMap<u32, Relation>) -> Option<PublishedChange> {
    let mut reader = Reader(message);
    let kind = char::from(reader.byte());
    match kind {
        'R' => {
            let id = reader.u32();
            let table = format!("{}.{}", reader.text(), reader.text());
            let _replica_identity = reader.byte();
            let columns = (0..reader.u16())
                .map(|_| {
                    let _flags = reader.byte();
                    let name = reader.text();
                    let _type_and_modifier = (reader.u32(), reader.u32());
                    name
                })
                .collect();
            relations.insert(id, Relation { table, columns });
            None
        }
        'I' | 'U' | 'D' => {
            let relation = &relations[&reader.u32()];
            let mut part = reader.byte();
            let mut values = reader.tuple();
            if kind == 'U' && part != b'N' {
                part = reader.byte();
                values = reader.tuple();
            }
            assert!(kind == 'D' || part == b'N', "a new row");
            Some(PublishedChange {
                table: relation.table.clone(),
                operation: kind,
                columns: relation.columns.iter().cloned().zip(values).collect(),
            })
        }
        // Begin, commit, types, origins.
        _ => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, length: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = String::from_utf8_lossy(self.take(end.expect("texts end with zero"))).into();
        self.byte();
        text
    }

    fn tuple(&mut self) -> Vec<Option<String>> {
        (0..self.u16())
            .map(|_| match self.byte() {
                b't' => {
                    let length = self.u32() as usize;
                    Some(String::from_utf8_lossy(self.take(length)).into_owned())
                }
                // Null, or a large value that has not changed and is not told.
                _ => None,
            })
            .collect()
    }
}
