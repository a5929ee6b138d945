//! The search, in halves, for an asset whose values the database refuses (pure).
//!
//! The halves that hold none are written on the way. A search among 500 assets takes some twenty
//! calls of the database.

use crate::asset::AssetId;
use crate::sync::store::ATTEMPTS;

/// Where the search stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Search {
    /// The assets that are tried now.
    part: Vec<AssetId>,
    /// The other half.
    rest: Vec<AssetId>,
    conflicts: usize,
}

impl Search {
    /// Begins with the first half; `None` among no assets.
    pub(super) fn among(mut assets: Vec<AssetId>) -> Option<Self> {
        let rest = assets.split_off(assets.len().div_ceil(2));
        (!assets.is_empty()).then_some(Self {
            part: assets,
            rest,
            conflicts: 0,
        })
    }

    pub(super) fn includes(&self, asset: &AssetId) -> bool {
        self.part.contains(asset)
    }

    /// Goes on in the other half; `None` when every half was written.
    pub(super) fn applied(self) -> Option<Self> {
        Self::among(self.rest)
    }

    /// Tries the part again. If its rows never rest, the search goes on without it.
    pub(super) fn changed(mut self) -> Option<Self> {
        self.conflicts += 1;
        if self.conflicts < ATTEMPTS {
            Some(self)
        } else {
            self.applied()
        }
    }

    /// Goes on within the part.
    ///
    /// # Errors
    /// The asset, when it is found.
    pub(super) fn refused(self) -> Result<Self, AssetId> {
        match <[AssetId; 1]>::try_from(self.part) {
            Ok([asset]) => Err(asset),
            Err(mut part) => Ok(Self {
                rest: part.split_off(part.len().div_ceil(2)),
                part,
                conflicts: 0,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> AssetId {
        AssetId::parse(&format!("{number:032x}")).unwrap()
    }

    #[test]
    fn the_refused_asset_is_found_and_every_half_without_it_is_written() {
        for refused in 0..13 {
            let mut search = Search::among((0..13).map(id).collect()).unwrap();
            let mut tries = 0;
            let found = loop {
                tries += 1;
                search = if search.includes(&id(refused)) {
                    match search.refused() {
                        Ok(search) => search,
                        Err(found) => break found,
                    }
                } else {
                    search.applied().expect("the other half holds it")
                };
            };
            assert_eq!(found, id(refused));
            assert!(tries <= 8, "{tries}");
        }
    }

    #[test]
    fn rows_that_never_rest_do_not_keep_the_search_from_the_rest() {
        let mut search = Search::among(vec![id(1), id(2)]).unwrap();
        for _ in 1..ATTEMPTS {
            search = search.changed().unwrap();
            assert!(search.includes(&id(1)));
        }
        let search = search.changed().unwrap();
        assert!(search.includes(&id(2)));
        assert_eq!(search.applied(), None);
        assert_eq!(Search::among(Vec::new()), None);
    }
}
