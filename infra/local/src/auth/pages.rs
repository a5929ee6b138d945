//! Pages of the list of users: the query's parameters, and the headers that lead on.

use std::collections::BTreeMap;

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::errors::Refusal;
use super::store::UsersAsked;

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
const DEFAULT_SIZE: u64 = 50;

pub(super) type Query = BTreeMap<String, String>;

/// A page's number, counted from 1, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    number: u64,
    size: u64,
}

impl Page {
    pub(super) fn parse(query: &Query) -> Result<Self, Refusal> {
        let number = |name: &str, default: u64| match query.get(name).map(String::as_str) {
            None | Some("") => Ok(default),
            Some(text) => text.parse::<u64>().map_err(|error| {
                Refusal::invalid(format!("Bad Pagination Parameters: {name}: {error}"))
            }),
        };
        let page = Self {
            number: number("page", 1)?,
            size: number("per_page", DEFAULT_SIZE)?,
        };
        // GoTrue divides by it.
        if page.size == 0 {
            return Err(Refusal::Internal);
        }
        Ok(page)
    }

    pub(super) fn asked(self, query: &Query) -> Result<UsersAsked, Refusal> {
        let rows_before = self.number.saturating_sub(1).saturating_mul(self.size);
        Ok(UsersAsked {
            offset: i64::try_from(rows_before).unwrap_or(i64::MAX),
            limit: i64::try_from(self.size).unwrap_or(i64::MAX),
            oldest_first: oldest_first(query.get("sort").map(String::as_str))?,
            filter: query.get("filter").cloned().unwrap_or_default(),
        })
    }

    /// `Link` and `X-Total-Count`. Links have the path that is behind the gateway, without `/auth/v1`.
    pub(super) fn headers(self, query: &Query, total: i64) -> HeaderMap {
        let pages = u64::try_from(total).unwrap_or(0).div_ceil(self.size);
        let mut links = Vec::new();
        if pages > self.number {
            links.push(link(query, self.number + 1, "next"));
        }
        links.push(link(query, pages, "last"));
        let links = HeaderValue::from_str(&links.join(", "));
        HeaderMap::from_iter([
            (LINK, links.expect("encoded queries are plain text")),
            (TOTAL, HeaderValue::from(total)),
        ])
    }
}

fn link(query: &Query, page: u64, relation: &str) -> String {
    let mut query = query.clone();
    query.insert("page".to_owned(), page.to_string());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("</admin/users?{query}>; rel=\"{relation}\"")
}

fn oldest_first(sort: Option<&str>) -> Result<bool, Refusal> {
    let Some(sort) = sort else { return Ok(false) };
    let (field, direction) = sort.split_once(' ').unwrap_or((sort, "desc"));
    let problem = match (field, direction.to_ascii_lowercase().as_str()) {
        ("created_at", "asc") => return Ok(true),
        ("created_at", "desc") => return Ok(false),
        ("created_at", _) => format!("bad direction for sort '{direction}'"),
        _ => format!("bad field for sort '{field}'"),
    };
    Err(Refusal::invalid(format!("Bad Sort Parameters: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn link_of(pairs: &[(&str, &str)], total: i64) -> String {
        let query = query(pairs);
        let headers = Page::parse(&query).unwrap().headers(&query, total);
        assert_eq!(headers["x-total-count"], total.to_string());
        headers[LINK].to_str().unwrap().to_owned()
    }

    #[test]
    fn links_lead_to_the_next_and_the_last_page() {
        assert_eq!(
            link_of(&[("page", "1"), ("per_page", "2")], 5),
            "</admin/users?page=2&per_page=2>; rel=\"next\", </admin/users?page=3&per_page=2>; rel=\"last\""
        );
        assert_eq!(
            link_of(&[("page", "3"), ("per_page", "2")], 5),
            "</admin/users?page=3&per_page=2>; rel=\"last\""
        );
        assert_eq!(link_of(&[], 50), "</admin/users?page=1>; rel=\"last\"");
    }

    #[test]
    fn empty_parameters_are_as_good_as_none() {
        let page = Page::parse(&query(&[("page", ""), ("per_page", "")])).unwrap();
        assert_eq!(page, Page::parse(&Query::new()).unwrap());
        assert!(Page::parse(&query(&[("page", "-1")])).is_err());
    }

    #[test]
    fn only_the_creation_orders_users() {
        assert!(oldest_first(Some("created_at asc")).unwrap());
        assert!(!oldest_first(Some("created_at")).unwrap());
        assert!(oldest_first(Some("email asc")).is_err());
        assert!(oldest_first(Some("created_at up")).is_err());
    }
}
