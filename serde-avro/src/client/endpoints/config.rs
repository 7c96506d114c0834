//! `/config` and `/mode`. A subject may be a context, as `:.ctx:`; no subject means the global settings.

use assay_schema_core::Mode;
use assay_schema_core::rest::{Config, ConfigUpdateRequest, ModeBody};

use super::{AsOf, as_of};
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
use crate::client::response::Answer;
use crate::error::Error;

impl RegistryClient {
    /// `GET /config`, `GET /config/{subject}`: the settings stored there, or with `default_to_global` those in force.
    ///
    /// Errors: [`Error::NotFound`] with code 40408 when nothing is stored.
    pub async fn config(&self, subject: Option<&str>, default_to_global: bool) -> Result<Config, Error> {
        let request = Request::get(&path("config", subject)).flag("defaultToGlobal", default_to_global);
        self.call(request).await?.json()
    }

    /// The settings in force at a moment of the past. Only Assay's registry knows this.
    pub async fn config_as_of(&self, subject: Option<&str>, moment: &AsOf) -> Result<Config, Error> {
        let request = Request::get(&path("config", subject)).flag("defaultToGlobal", true);
        self.call(as_of(request, Some(moment))).await?.json()
    }

    /// `PUT /config`, `PUT /config/{subject}`: merges settings into those stored and gives the result.
    pub async fn update_config(
        &self,
        subject: Option<&str>,
        config: &ConfigUpdateRequest,
    ) -> Result<ConfigUpdateRequest, Error> {
        let request = Request::new(Method::Put, &path("config", subject)).json(config);
        self.call(request).await?.json()
    }

    /// `DELETE /config`, `DELETE /config/{subject}`: removes the settings and gives them as they were.
    pub async fn delete_config(&self, subject: Option<&str>) -> Result<Config, Error> {
        self.call(Request::new(Method::Delete, &path("config", subject))).await?.json()
    }

    /// `GET /mode`, `GET /mode/{subject}`: the mode stored there, or with `default_to_global` the one in force.
    ///
    /// Errors: [`Error::NotFound`] with code 40409 when nothing is stored.
    pub async fn mode(&self, subject: Option<&str>, default_to_global: bool) -> Result<Mode, Error> {
        let request = Request::get(&path("mode", subject)).flag("defaultToGlobal", default_to_global);
        mode(&self.call(request).await?)
    }

    /// The mode in force at a moment of the past. Only Assay's registry knows this.
    pub async fn mode_as_of(&self, subject: Option<&str>, moment: &AsOf) -> Result<Mode, Error> {
        let request = Request::get(&path("mode", subject)).flag("defaultToGlobal", true);
        mode(&self.call(as_of(request, Some(moment))).await?)
    }

    /// `PUT /mode`, `PUT /mode/{subject}`: sets the mode. `force` allows import mode where subjects exist.
    pub async fn update_mode(
        &self,
        subject: Option<&str>,
        mode_to_set: Mode,
        force: bool,
    ) -> Result<Mode, Error> {
        let body = ModeBody { mode: Some(mode_to_set.as_str().to_owned()) };
        let request = Request::new(Method::Put, &path("mode", subject)).flag("force", force).json(&body);
        mode(&self.call(request).await?)
    }

    /// `DELETE /mode`, `DELETE /mode/{subject}`: removes the mode and gives it as it was. `recursive` removes those of the
    /// subjects in a context too.
    pub async fn delete_mode(&self, subject: Option<&str>, recursive: bool) -> Result<Option<Mode>, Error> {
        let request = Request::new(Method::Delete, &path("mode", subject)).flag("recursive", recursive);
        let body: ModeBody = self.call(request).await?.json()?;
        Ok(body.mode.and_then(|mode| Mode::parse(&mode).ok()))
    }
}

/// The mode in an answer.
fn mode(answer: &Answer) -> Result<Mode, Error> {
    let body: ModeBody = answer.json()?;
    let text = body.mode.unwrap_or_default();
    Mode::parse(&text).map_err(|_| answer.unusable(format!("'{text}' is not a mode")))
}

fn path<'a>(first: &'a str, subject: Option<&'a str>) -> Vec<&'a str> {
    std::iter::once(first).chain(subject).collect()
}
