//! Cursors under a key that is rotated while people page.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sealed::{Cursor, CursorError, CursorKey};
use crate::deadline::Deadline;
use crate::parameter::ParameterError;
use crate::rotation::{LiveValue, ValueVersion};

/// Seals with the current key, and opens with the one before it too.
#[derive(Debug, Clone)]
pub struct CursorKeys(LiveValue<CursorKey>);

impl CursorKeys {
    /// With a key that may change.
    pub const fn new(key: LiveValue<CursorKey>) -> Self {
        Self(key)
    }

    /// See [`Cursor::seal`].
    pub async fn seal<T>(&self, position: &T, fingerprint: &[u8]) -> String
    where
        T: Serialize + DeserializeOwned,
    {
        Cursor::seal(position, fingerprint, &*self.0.current().await)
    }

    /// The cursor of the next page, if this one has an end to go on from.
    pub async fn seal_end<T>(&self, position: Option<&T>, fingerprint: &str) -> Option<String>
    where
        T: Serialize + DeserializeOwned,
    {
        match position {
            Some(position) => Some(self.seal(position, fingerprint.as_bytes()).await),
            None => None,
        }
    }

    /// The position of a request's parameter `cursor`, if it has one.
    ///
    /// # Errors
    /// When it is no cursor of this query.
    pub async fn resume<T>(
        &self,
        cursor: Option<&str>,
        fingerprint: &str,
    ) -> Result<Option<T>, ParameterError>
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let opened = self.open(cursor, fingerprint.as_bytes()).await;
        opened
            .map(Some)
            .map_err(|error| ParameterError::new("cursor", error.to_string()))
    }

    /// Reads a position back. Another copy may have a newer key already. So a cursor of an unknown
    /// key is verified again with the secret's present content.
    ///
    /// # Errors
    /// As [`Cursor::open`].
    pub async fn open<T>(&self, text: &str, fingerprint: &[u8]) -> Result<T, CursorError>
    where
        T: Serialize + DeserializeOwned,
    {
        let mut key = self.0.current().await;
        loop {
            match open(&key, text, fingerprint) {
                Err(CursorError::UnknownKey) => (),
                opened => return opened,
            }
            match self.0.renewed_for_stranger(&key, Deadline::NEVER).await {
                Some(newer) => key = newer,
                None => return Err(CursorError::UnknownKey),
            }
        }
    }
}

fn open<T>(key: &ValueVersion<CursorKey>, text: &str, fingerprint: &[u8]) -> Result<T, CursorError>
where
    T: Serialize + DeserializeOwned,
{
    let opened = Cursor::open(text, fingerprint, key);
    match (&opened, key.previous()) {
        (Err(CursorError::UnknownKey), Some(previous)) => Cursor::open(text, fingerprint, previous),
        _ => opened,
    }
}
