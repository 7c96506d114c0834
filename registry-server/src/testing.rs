//! A real registry for tests: the whole server over a temporary `SQLite` file, on a free port of 127.0.0.1.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let registry = assay_registry_server::testing::Registry::start().await.unwrap();
//! assert!(registry.url().starts_with("http://127.0.0.1:"));
//! registry.stop().await;
//! # }
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::RegistryConfig;
use crate::server::{ServeOptions, open, serve};
use crate::store::error::OpenError;

/// Why a test registry did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port, or no temporary folder.
    #[error("cannot set up a test registry: {0}")]
    Io(#[from] std::io::Error),
    /// The database did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A running registry. Dropping it stops the server and removes its data.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    folder: PathBuf,
    shutdown: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    rules: crate::Registry,
}

impl Registry {
    /// Starts one with default settings.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start() -> Result<Self, StartError> {
        Self::start_with(RegistryConfig::default(), ServeOptions::default()).await
    }

    /// Starts one with these settings.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_with(config: RegistryConfig, options: ServeOptions) -> Result<Self, StartError> {
        let folder = std::env::temp_dir().join(format!("assay-registry-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder)?;
        let registry = open(&format!("sqlite:{}", folder.join("registry.db").display()), config).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (shutdown, stopped) = oneshot::channel();
        let stopped = async move {
            // A dropped sender stops the server too.
            stopped.await.ok();
        };
        let server = tokio::spawn(serve(listener, registry.clone(), options, stopped));
        Ok(Self { address, folder, shutdown: Some(shutdown), server: Some(server), rules: registry })
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The registry behind the server.
    pub fn registry(&self) -> &crate::Registry {
        &self.rules
    }

    /// Stops the server and waits until its requests have ended.
    pub async fn stop(mut self) {
        drop(self.shutdown.take());
        if let Some(server) = self.server.take() {
            server.await.ok();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(server) = self.server.take() {
            server.abort();
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
