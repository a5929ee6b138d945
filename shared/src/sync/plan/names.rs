//! Who holds a name that several rows show (pure).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::asset::{AssetId, DeliveryName};
use crate::row::AssetRow;

/// Names that more than one live row shows once the plan is carried out.
fn contested<'a>(
    rows: &'a [AssetRow],
    after: &'a BTreeMap<&AssetId, AssetRow>,
) -> impl Iterator<Item = Vec<&'a AssetRow>> {
    let mut holders: HashMap<DeliveryName, Vec<&AssetRow>> = HashMap::new();
    let untouched = rows
        .iter()
        .filter(|row| !after.contains_key(&row.cloudinary_asset_id));
    for row in after.values().chain(untouched).filter(|row| row.is_live()) {
        holders.entry(row.name()).or_default().push(row);
    }
    holders.into_values().filter(|rows| rows.len() > 1)
}

/// A name that is only wished for yields to one that was observed; of several that are only wished
/// for, to the one that is shown already. Giving it up shows the name that was observed, which may
/// be contested in turn, but each row gives up once.
pub(super) fn give_names_up<'a>(rows: &'a [AssetRow], after: &mut BTreeMap<&'a AssetId, AssetRow>) {
    let shown: HashMap<&AssetId, DeliveryName> = rows
        .iter()
        .filter(|row| row.is_live())
        .map(|row| (&row.cloudinary_asset_id, row.name()))
        .collect();
    loop {
        let mut losers: BTreeSet<AssetId> = BTreeSet::new();
        for claimants in contested(rows, after) {
            let (wishing, known): (Vec<&AssetRow>, Vec<&AssetRow>) = claimants
                .into_iter()
                .partition(|row| row.wishes_for_its_name());
            let shows_it =
                |row: &&&AssetRow| shown.get(&row.cloudinary_asset_id) == Some(&row.name());
            let keeper = if known.is_empty() {
                let first = wishing.iter().find(shows_it).or(wishing.first());
                first.map(|row| row.cloudinary_asset_id.clone())
            } else {
                None
            };
            let ids = wishing.iter().map(|row| row.cloudinary_asset_id.clone());
            losers.extend(ids.filter(|id| Some(id) != keeper.as_ref()));
        }
        if losers.is_empty() {
            return;
        }
        for row in rows {
            let id = &row.cloudinary_asset_id;
            if losers.contains(id) {
                after
                    .entry(id)
                    .or_insert_with(|| row.clone())
                    .give_name_up();
            }
        }
    }
}

/// Live rows whose name is held by another live row once the plan is carried out.
pub(super) fn find_displaced(
    rows: &[AssetRow],
    after: &BTreeMap<&AssetId, AssetRow>,
) -> Vec<AssetId> {
    let mut displaced = BTreeSet::new();
    for mut claimants in contested(rows, after) {
        // The youngest claim is the true one; at equal moments every claimant is looked at.
        claimants.sort_by_key(|row| row.clocks.name);
        let youngest = claimants.last().and_then(|row| row.clocks.name);
        let older = claimants.iter().filter(|row| row.clocks.name < youngest);
        let mut older: Vec<_> = older.collect();
        if older.is_empty() {
            older = claimants.iter().collect();
        }
        displaced.extend(older.into_iter().map(|row| row.cloudinary_asset_id.clone()));
    }
    displaced.into_iter().collect()
}
