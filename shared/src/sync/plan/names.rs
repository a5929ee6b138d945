//! Gives a name that several rows show to one of them (pure).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

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

/// A wished name yields to an observed one. Of several wished ones, the one that is shown already
/// stays. Giving it up shows the name that was observed, which may be contested in turn, but each
/// row gives up once.
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

/// Two assets that are to have each other's names can never begin: Cloudinary renames one at a
/// time, and refuses a name that is taken. So the one that has tried it gives it up, and then the
/// other does too. (Nobody can decide this here: it comes of renames in Cloudinary.)
pub(super) fn break_circles(
    rows: &[AssetRow],
    after: &mut BTreeMap<&AssetId, AssetRow>,
    tried: &[Uuid],
) {
    let is_moving = |row: &AssetRow| row.is_live() && row.name() != row.observed_name();
    let moving: Vec<AssetRow> = rows
        .iter()
        .map(|row| after.get(&row.cloudinary_asset_id).unwrap_or(row))
        .filter(|row| is_moving(row))
        .cloned()
        .collect();
    let is_stuck = |row: &AssetRow| {
        let faces = |other: &AssetRow| {
            other.name() == row.observed_name() && other.observed_name() == row.name()
        };
        is_moving(row) && tried.contains(&row.id) && moving.iter().any(faces)
    };
    let stuck = after.values_mut().filter(|row| is_stuck(row));
    stuck.for_each(AssetRow::give_name_up);
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::asset::{AssetId, DeliveryName, ResourceType};
    use crate::intent::{EditableValues, Intent, ValueWish};
    use crate::observation::{AssetSighting, Observation, ObservedState};
    use crate::row::AssetRow;
    use crate::sync::plan::{KeepClocks, ObservationSource, PlanContext, plan_observations};
    use crate::time::Timestamp;

    fn seen(asset: u8, at: i64, public_id: &str) -> Observation {
        Observation {
            asset_id: AssetId::parse(&format!("{asset:032x}")).unwrap(),
            at: Timestamp::from_micros(at),
            fact: ObservedState::Seen(Box::new(AssetSighting::named(DeliveryName {
                resource_type: ResourceType::Image,
                delivery_type: "upload".to_owned(),
                public_id: public_id.to_owned(),
            }))),
        }
    }

    /// A row whose asset has one name and is to have another.
    fn moving(asset: u8, from: &str, to: &str) -> AssetRow {
        let mut row =
            AssetRow::first(Uuid::from_u128(asset.into()), &seen(asset, 1, from)).unwrap();
        row.observed = Some(EditableValues {
            public_id: from.to_owned(),
            ..EditableValues::default()
        });
        row.editable.public_id = to.to_owned();
        row.intent = Some(Intent {
            at: 10,
            public_id: Some(ValueWish {
                to: to.to_owned(),
                base: from.to_owned(),
                at: 10,
                ours: Vec::new(),
            }),
            ..Intent::default()
        });
        row
    }

    fn names_after(rows: &[AssetRow], release: &[Uuid]) -> Vec<(String, bool)> {
        let context = PlanContext {
            source: ObservationSource::Outbound,
            run_id: None,
            keep_clocks: KeepClocks::Always,
            release,
            uploads: &[],
        };
        let looked = seen(1, 11, &rows[0].observed_name().public_id);
        let plan = plan_observations(rows, &[looked], context, Uuid::new_v4);
        let after = plan.over(rows.to_vec()).into_iter();
        after
            .map(|row| (row.editable.public_id, row.intent.is_some()))
            .collect()
    }

    #[test]
    fn who_waits_for_each_others_names_gives_them_up_once_it_was_tried() {
        let rows = [moving(1, "mug", "pot"), moving(2, "pot", "mug")];
        let name = |name: &str, waits: bool| (name.to_owned(), waits);
        assert_eq!(
            names_after(&rows, &[rows[0].id]),
            [name("mug", false), name("pot", false)]
        );
        assert_eq!(
            names_after(&rows, &[]),
            [name("pot", true), name("mug", true)]
        );
    }

    #[test]
    fn who_waits_for_a_name_that_becomes_free_waits_on() {
        let rows = [moving(1, "mug", "pot"), moving(2, "pot", "pan")];
        let names = names_after(&rows, &[rows[0].id]);
        assert_eq!(names, [("pot".to_owned(), true), ("pan".to_owned(), true)]);
    }
}
