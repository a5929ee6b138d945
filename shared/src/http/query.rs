//! Typed, bounded query parameters (pure).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use url::form_urlencoded;
use uuid::Uuid;

use super::word::{self, words_of};
use crate::asset::AssetKey;
use crate::parameter::ParameterError;
use crate::time::Timestamp;

/// Longer query strings are not looked at.
pub(super) const MAX_QUERY: usize = 8 * 1024;

/// Longer than an id.
const LONGEST_ID: usize = 100;

/// The beginning of year 1, in microseconds since the Unix epoch.
const FIRST_YEAR: i64 = -62_135_596_800_000_000;

/// People's date for "no end". [`Timestamp::LAST`] is some hours before.
const FOR_EVER: &str = "9999-12-31";

/// A request's query parameters. Each may be given once; an empty value counts as not given.
#[derive(Debug, Clone, Default)]
pub struct QueryParameters {
    pairs: Vec<(String, String)>,
}

impl QueryParameters {
    /// Reads a query string (`request.uri().query()`), which may hold only `known` parameters: a
    /// misspelt filter would otherwise answer with everything. `context.KEY` stands for all names
    /// that begin with `context.`.
    ///
    /// # Errors
    /// Naming the parameter that is unknown or given twice.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, ParameterError> {
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY {
            return Err(ParameterError::new(
                "query",
                format!("is longer than {MAX_QUERY} bytes"),
            ));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !known.iter().any(|known| is_meant(known, &name)) {
                let shown: String = name.chars().take(64).collect();
                let known = match known {
                    [] => "none".to_owned(),
                    known => known.join(", "),
                };
                return Err(ParameterError::new(
                    shown,
                    format!("is not a parameter here; there are {known}"),
                ));
            }
            if pairs.iter().any(|(given, _)| *given == name) {
                return Err(ParameterError::new(name, "is given more than once"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self { pairs })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        wanted: impl FnOnce() -> String,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, ParameterError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => read(text)
                .map(Some)
                .ok_or_else(|| ParameterError::new(name, format!("must be {}", wanted()))),
        }
    }

    /// Text of at most `max` characters, without NUL, which PostgreSQL cannot hold.
    ///
    /// # Errors
    /// When it is longer.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<&str>, ParameterError> {
        self.read(
            name,
            || format!("text of at most {max} characters, without NUL"),
            |text| (text.chars().count() <= max && !text.contains('\0')).then_some(text),
        )
    }

    /// The parameters that begin with `prefix`, by the rest of their names: at most `max`, with
    /// names of at most 255 characters and values of at most `length`.
    ///
    /// # Errors
    /// When there are more, or one is longer.
    pub fn family(
        &self,
        prefix: &str,
        max: usize,
        length: usize,
    ) -> Result<Option<BTreeMap<String, String>>, ParameterError> {
        let mut family = BTreeMap::new();
        for (name, value) in &self.pairs {
            let Some(key) = name.strip_prefix(prefix) else {
                continue;
            };
            if key.chars().count() > 255 || key.contains('\0') {
                let shown: String = name.chars().take(64).collect();
                let wanted = "must have a name of at most 255 characters, without NUL";
                return Err(ParameterError::new(shown, wanted));
            }
            self.text(name, length)?;
            family.insert(key.to_owned(), value.clone());
        }
        if family.len() > max {
            let wanted = format!("may be given {max} times at most");
            return Err(ParameterError::new(format!("{prefix}KEY"), wanted));
        }
        Ok(Some(family).filter(|family| !family.is_empty()))
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// When it is none, or outside.
    pub fn integer(
        &self,
        name: &str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, ParameterError> {
        self.read(
            name,
            || format!("a whole number from {} to {}", bounds.start(), bounds.end()),
            |text| text.parse().ok().filter(|number| bounds.contains(number)),
        )
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ParameterError> {
        self.read(
            name,
            || "true or false".to_owned(),
            |text| text.parse().ok(),
        )
    }

    /// One word of an enum without fields, by its name in serde.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ParameterError> {
        let unknown = |words| ParameterError::new(name, format!("must be one of {words}"));
        self.get(name).map(word::parse).transpose().map_err(unknown)
    }

    /// Words of an enum without fields, separated by commas; none where the parameter is not given.
    ///
    /// # Errors
    /// When one is none of them.
    pub fn words<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, ParameterError> {
        let all = words_of::<T>();
        let unknown = || format!("some of {}, separated by commas", all.join(", "));
        let read = |text: &str| {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let words: Result<Vec<T>, _> = items.map(word::parse).collect();
            words.ok().filter(|words| words.len() <= all.len())
        };
        Ok(self.read(name, unknown, read)?.unwrap_or_default())
    }

    /// A moment in RFC 3339, or a day, which means its first moment in UTC.
    ///
    /// # Errors
    /// When it is neither, or not within the years 1 to 9999.
    fn moment(&self, name: &str) -> Result<Option<Timestamp>, ParameterError> {
        self.moment_or_day(name, "T00:00:00Z")
    }

    /// The time from one moment to another, either of which may be open. A day means its first
    /// moment in UTC at the beginning, and its last microsecond at the end.
    ///
    /// # Errors
    /// When one is no moment, or not within the years 1 to 9999, or they are in the wrong order.
    pub fn period(
        &self,
        from: &str,
        to: &str,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), ParameterError> {
        let period = (
            self.moment(from)?,
            self.moment_or_day(to, "T23:59:59.999999Z")?,
        );
        match period {
            (Some(first), Some(last)) if first > last => Err(ParameterError::new(
                from,
                format!("must not be later than {to}"),
            )),
            period => Ok(period),
        }
    }

    fn moment_or_day(
        &self,
        name: &str,
        time_of_day: &str,
    ) -> Result<Option<Timestamp>, ParameterError> {
        self.read(
            name,
            || "a moment such as 2026-01-31T12:00:00Z, or a day such as 2026-01-31".to_owned(),
            |text| {
                if text == FOR_EVER {
                    return Some(Timestamp::LAST);
                }
                Timestamp::parse(text)
                    .or_else(|_| Timestamp::parse(&format!("{text}{time_of_day}")))
                    .ok()
                    // PostgreSQL writes earlier years in another way.
                    .filter(|moment| moment.micros() >= FIRST_YEAR)
            },
        )
    }

    /// A UUID.
    ///
    /// # Errors
    /// When it is none.
    pub fn uuid(&self, name: &str) -> Result<Option<Uuid>, ParameterError> {
        self.read(
            name,
            || "a UUID".to_owned(),
            |text| Uuid::parse_str(text).ok(),
        )
    }

    /// An asset's id, Cloudinary's or the row's.
    ///
    /// # Errors
    /// When it is neither.
    pub fn asset_key(&self, name: &str) -> Result<Option<AssetKey>, ParameterError> {
        let text = self.text(name, LONGEST_ID)?;
        text.map(AssetKey::parse)
            .transpose()
            .map_err(|wanted| ParameterError::new(name, wanted.to_string()))
    }

    /// A list separated by commas, of at most `max` items of at most `length` characters each;
    /// empty items are dropped.
    ///
    /// # Errors
    /// When there are more, or one is longer.
    pub fn list(
        &self,
        name: &str,
        max: usize,
        length: usize,
    ) -> Result<Option<Vec<String>>, ParameterError> {
        self.read(
            name,
            || format!("at most {max} items of at most {length} characters, separated by commas"),
            |text| {
                let items: Vec<String> = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect();
                let short = |item: &String| item.chars().count() <= length && !item.contains('\0');
                (items.len() <= max && items.iter().all(short)).then_some(items)
            },
        )
    }
}

/// True if a known parameter has this name, or is a family to which it belongs.
fn is_meant(known: &str, name: &str) -> bool {
    let belongs = |prefix: &str| {
        let key = name.strip_prefix(prefix);
        prefix.ends_with('.') && key.is_some_and(|key| !key.is_empty())
    };
    known == name || known.strip_suffix("KEY").is_some_and(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::ResourceType;
    use proptest::prelude::*;

    const KNOWN: [&str; 4] = ["limit", "tags", "since", "until"];

    fn query(text: &str) -> QueryParameters {
        QueryParameters::parse(Some(text), &KNOWN).unwrap()
    }

    #[test]
    fn errors_name_the_parameter_and_what_it_must_be() {
        let error = query("limit=0").integer("limit", 1..=100).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`limit` must be a whole number from 1 to 100"
        );
        let error = query("tags=x").word::<ResourceType>("tags").unwrap_err();
        assert_eq!(error.to_string(), "`tags` must be one of image, video, raw");
        let error = query("tags=raw,x")
            .words::<ResourceType>("tags")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`tags` must be some of image, video, raw, separated by commas"
        );
        assert_eq!(
            QueryParameters::parse(Some("lmit=1"), &KNOWN)
                .unwrap_err()
                .name,
            "lmit"
        );
        assert_eq!(
            QueryParameters::parse(Some("limit=1&limit=2"), &KNOWN)
                .unwrap_err()
                .reason,
            "is given more than once"
        );
    }

    #[test]
    fn values_are_decoded_and_empty_ones_are_absent() {
        let query = query("tags=a%2Cb,%20c+d,,&limit=&since=2026-01-01");
        assert_eq!(
            query.list("tags", 5, 10).unwrap().unwrap(),
            ["a", "b", "c d"]
        );
        assert_eq!(query.integer("limit", 1..=9).unwrap(), None);
        assert_eq!(
            query.moment("since").unwrap(),
            Some(Timestamp::from_secs(1_767_225_600))
        );
    }

    #[test]
    fn words_are_those_of_an_enum() {
        use ResourceType::{Image, Raw};
        assert_eq!(query("tags=raw").word("tags").unwrap(), Some(Raw));
        assert_eq!(query("").word::<ResourceType>("tags").unwrap(), None);
        let words: Vec<ResourceType> = query("tags=raw,+image,").words("tags").unwrap();
        assert_eq!(words, [Raw, Image]);
        assert!(query("").words::<ResourceType>("tags").unwrap().is_empty());
        let many = query("tags=raw,raw,raw,raw").words::<ResourceType>("tags");
        assert!(many.is_err(), "no more than there are");
    }

    #[test]
    fn days_begin_and_end_and_years_are_those_of_the_calendar() {
        let period = |text: &str| query(text).period("since", "until");
        let (first, last) = period("since=2026-01-01&until=2026-01-01").unwrap();
        assert_eq!(last.unwrap().next(), first.unwrap().offset(86_400_000_000));
        assert_eq!(period("").unwrap(), (None, None));
        let error = period("since=2026-01-02&until=2026-01-01").unwrap_err();
        assert_eq!(error.to_string(), "`since` must not be later than until");
        assert!(query("since=0001-01-01").moment("since").is_ok());
        let (_, last) = period("until=9999-12-31").unwrap();
        assert_eq!(last, Some(Timestamp::LAST), "no end");
        for year in ["0000-12-31", "-001000-01-01T00:00:00Z", "10000-01-01"] {
            assert!(period(&format!("since={year}")).is_err(), "{year}");
        }
    }

    #[test]
    fn bounds_are_held() {
        assert!(query("tags=a,b,c").list("tags", 2, 10).is_err());
        assert!(query("tags=abc").list("tags", 2, 2).is_err());
        assert!(query("tags=abc").text("tags", 2).is_err());
        assert!(query("tags=a%00").text("tags", 9).is_err());
        assert!(QueryParameters::parse(Some(&"x".repeat(9000)), &KNOWN).is_err());
    }

    #[test]
    fn a_family_holds_its_parameters_by_the_rest_of_their_names() {
        let parse = |query| QueryParameters::parse(Some(query), &["context.KEY", "limit"]);
        let query = parse("context.alt=A+cup&context.a.b=c&context.none=&limit=7").unwrap();
        let family = query.family("context.", 2, 5).unwrap().unwrap();
        let expected = [("a.b", "c"), ("alt", "A cup")];
        assert_eq!(
            family,
            expected
                .map(|(key, value)| (key.into(), value.into()))
                .into()
        );
        assert_eq!(
            query.family("context.", 1, 5).unwrap_err().name,
            "context.KEY"
        );
        assert_eq!(
            query.family("context.", 2, 4).unwrap_err().name,
            "context.alt"
        );
        assert_eq!(
            parse("limit=1").unwrap().family("context.", 1, 5).unwrap(),
            None
        );
        for unknown in ["context.=x", "context=x", "contexts.a=x"] {
            assert!(parse(unknown).is_err(), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(text in "\\PC{0,120}") {
            if let Ok(query) = QueryParameters::parse(Some(&format!("limit={text}&tags={text}")), &KNOWN) {
                let _ = query.integer("limit", 0..=10);
                let _ = query.list("tags", 3, 3);
                let _ = query.moment("tags");
                let _ = query.uuid("tags");
            }
        }
    }
}
