//! Many messages at once.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use futures_util::stream;

use super::Deserializer;
use crate::error::Error;
use crate::serializer::OwnedDatum;
use crate::wire::{Message, SchemaKey};

/// Schemas that one batch fetches at the same time.
const FETCHES_MAX: usize = 8;

impl<T: OwnedDatum> Deserializer<T> {
    /// Decodes a batch. Missing schemas are fetched first, each once and up to eight at a time; then every message is decoded.
    /// Outcomes come in the order of the messages, one for each; a schema that cannot be fetched fails its own messages only.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = assay_registry_server::testing::Registry::start().await?;
    /// # use assay_serde_avro::{CachedClient, RegistryClient, Serializer};
    /// # let registry = CachedClient::new(RegistryClient::new(&server.url())?);
    /// # let payload = Serializer::<i64>::builder(&registry).schema(r#""long""#).build()?.encode("counts", &7).await?.payload;
    /// use assay_serde_avro::{Deserializer, Disposition, Message};
    ///
    /// let batch = [Message::new("counts", &payload), Message::new("counts", b"not framed")];
    /// for outcome in Deserializer::<i64>::new(&registry).decode_batch(batch).await {
    ///     match outcome {
    ///         Ok(count) => assert_eq!(count, 7),
    ///         Err(error) => assert_eq!(error.disposition(), Disposition::DeadLetter),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn decode_batch<'a>(
        &self,
        messages: impl IntoIterator<Item = Message<'a>>,
    ) -> Vec<Result<T, Error>> {
        let messages: Vec<Message<'a>> = messages.into_iter().collect();
        let mut outcomes: Vec<Result<T, Error>> =
            messages.iter().map(|message| self.core.try_decode(*message)).collect();
        let missing: HashSet<(&str, SchemaKey)> = messages
            .iter()
            .zip(&outcomes)
            .filter_map(|(message, outcome)| match outcome {
                Err(Error::NeedsSchema(key)) => Some((message.topic(), *key)),
                _ => None,
            })
            .collect();
        if missing.is_empty() {
            return outcomes;
        }
        let loads = missing
            .into_iter()
            .map(|(topic, key)| async move { ((topic, key), self.core.load(topic, key).await) });
        let fetched: HashMap<(&str, SchemaKey), _> =
            stream::iter(loads).buffer_unordered(FETCHES_MAX).collect().await;
        for (message, outcome) in messages.iter().zip(&mut outcomes) {
            let Err(Error::NeedsSchema(key)) = outcome else { continue };
            *outcome = match fetched.get(&(message.topic(), *key)) {
                Some(loaded) => {
                    let loaded = loaded.as_ref().map(|entry| &**entry).map_err(Error::clone);
                    self.core.decode_with(loaded, *message)
                }
                None => continue,
            };
        }
        outcomes
    }
}
