//! The version of the API server.

use k8s_openapi::apimachinery::pkg::version::Info;
use kube::core::request;

use super::Cluster;
use crate::source::{Problem, SourceError};

impl Cluster {
    /// Asks the API server for its version, as in `v1.36.0`. Everybody who may log in may ask.
    pub async fn version(&self) -> Result<String, SourceError> {
        let request = || "get the version of the API server".to_owned();
        let build = |_| http::Request::get("/version").body(Vec::new()).map_err(request::Error::BuildRequest);
        let text = self.send_to("/version", request(), "get", build).await?;
        let info: Info = serde_json::from_str(&text)
            .map_err(|error| SourceError { request: request(), problem: Problem::Unreadable(error.to_string()) })?;
        Ok(info.git_version)
    }
}
