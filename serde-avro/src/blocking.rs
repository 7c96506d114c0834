//! The same objects for programs without an asynchronous runtime.
//!
//! A [`Worker`] owns one background thread that does the network work; calls wait for it. What needs no network
//! ([`Prepared`], [`Deserializer::try_decode`](crate::Deserializer::try_decode)) is the same object in both worlds.
//!
//! ```no_run
//! use assay_serde_avro::{CachedClient, RegistryClient, Serializer, blocking::Worker};
//!
//! let worker = Worker::new()?;
//! let client = RegistryClient::new("http://localhost:8081")?;
//! let subjects = worker.run(client.subjects(&Default::default()))??;
//!
//! let registry = CachedClient::new(client);
//! let serializer = Serializer::<i64>::builder(&registry).schema(r#""long""#).build()?;
//! let framed = worker.serializer(serializer).encode("counts", &7)?;
//! # Ok::<(), assay_serde_avro::Error>(())
//! ```

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Error;
use crate::properties::ConfigError;
use crate::serializer::{Datum, OwnedDatum, Prepared};
use crate::wire::{Framed, Message, SchemaHeader, SchemaKey};

/// One background thread for network work. Cheap to clone; the thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct Worker {
    runtime: Arc<Background>,
}

#[derive(Debug)]
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        // a plain drop would wait, which is not allowed inside an asynchronous task
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Worker {
    /// Starts the thread.
    pub fn new() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("assay-registry")
            .enable_all()
            .build()
            .map_err(|error| ConfigError::NoThread { reason: error.to_string() })?;
        Ok(Self { runtime: Arc::new(Background(Some(runtime))) })
    }

    /// Waits for any future of this crate, such as a request of [`RegistryClient`](crate::RegistryClient). Several threads may
    /// wait at the same time. Inside an asynchronous task it is an error, because it would stop the task's thread.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        if Handle::try_current().is_ok() {
            return Err(ConfigError::BlockingInsideAsync.into());
        }
        match &self.runtime.0 {
            Some(runtime) => Ok(runtime.block_on(future)),
            None => Err(ConfigError::NoThread { reason: "it has ended".into() }.into()),
        }
    }

    /// The blocking face of a serializer.
    pub fn serializer<T: ?Sized>(&self, serializer: crate::Serializer<T>) -> Serializer<T> {
        Serializer { inner: serializer, worker: self.clone() }
    }

    /// The blocking face of a deserializer.
    pub fn deserializer<T>(&self, deserializer: crate::Deserializer<T>) -> Deserializer<T> {
        Deserializer { inner: deserializer, worker: self.clone() }
    }
}

/// A [`Serializer`](crate::Serializer) whose calls wait.
#[derive(Debug)]
pub struct Serializer<T: ?Sized> {
    inner: crate::Serializer<T>,
    worker: Worker,
}

impl<T: ?Sized> Clone for Serializer<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), worker: self.worker.clone() }
    }
}

impl<T: ?Sized> Serializer<T> {
    /// See [`Serializer::prepare`](crate::Serializer::prepare).
    pub fn prepare(&self, topic: &str) -> Result<Prepared<T>, Error> {
        self.worker.run(self.inner.prepare(topic))?
    }
}

impl<T: Datum + ?Sized> Serializer<T> {
    /// See [`Serializer::encode`](crate::Serializer::encode).
    pub fn encode(&self, topic: &str, value: &T) -> Result<Framed, Error> {
        self.worker.run(self.inner.encode(topic, value))?
    }

    /// See [`Serializer::encode_into`](crate::Serializer::encode_into).
    pub fn encode_into(
        &self,
        topic: &str,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<Option<SchemaHeader>, Error> {
        self.worker.run(self.inner.encode_into(topic, value, out))?
    }

    /// See [`Serializer::encode_option`](crate::Serializer::encode_option).
    pub fn encode_option(&self, topic: &str, value: Option<&T>) -> Result<Option<Framed>, Error> {
        self.worker.run(self.inner.encode_option(topic, value))?
    }
}

/// A [`Deserializer`](crate::Deserializer) whose calls wait.
#[derive(Debug)]
pub struct Deserializer<T> {
    inner: crate::Deserializer<T>,
    worker: Worker,
}

impl<T> Clone for Deserializer<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), worker: self.worker.clone() }
    }
}

impl<T> Deserializer<T> {
    /// See [`Deserializer::load`](crate::Deserializer::load).
    pub fn load(&self, topic: &str, key: SchemaKey) -> Result<(), Error> {
        self.worker.run(self.inner.load(topic, key))?
    }
}

impl<T: OwnedDatum> Deserializer<T> {
    /// See [`Deserializer::try_decode`](crate::Deserializer::try_decode).
    pub fn try_decode<'a>(&self, message: impl Into<Message<'a>>) -> Result<T, Error> {
        self.inner.try_decode(message)
    }

    /// See [`Deserializer::decode`](crate::Deserializer::decode). Waits only when a schema has to be fetched.
    pub fn decode<'a>(&self, message: impl Into<Message<'a>>) -> Result<T, Error> {
        let message = message.into();
        match self.inner.try_decode(message) {
            Err(Error::NeedsSchema(_)) => self.worker.run(self.inner.decode(message))?,
            outcome => outcome,
        }
    }

    /// See [`Deserializer::decode_option`](crate::Deserializer::decode_option).
    pub fn decode_option(&self, message: Option<Message<'_>>) -> Result<Option<T>, Error> {
        message.map(|message| self.decode(message)).transpose()
    }

    /// See [`Deserializer::decode_batch`](crate::Deserializer::decode_batch).
    pub fn decode_batch<'a>(
        &self,
        messages: impl IntoIterator<Item = Message<'a>>,
    ) -> Result<Vec<Result<T, Error>>, Error> {
        self.worker.run(self.inner.decode_batch(messages))
    }
}
