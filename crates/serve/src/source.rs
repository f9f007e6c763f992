//! Where models come from: the registry.

use crate::runtime::ServedModel;
use async_trait::async_trait;
use ropewalk_core::{Error, Result};
use ropewalk_models::Models;
use std::sync::Arc;

/// A model version that may be deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// What the gates that did not pass said.
    pub failed_gates: Vec<String>,
}

/// Finds and loads model versions.
#[async_trait]
pub trait ModelSource: Send + Sync {
    /// The version that `spec` (`NAME@ALIAS`, `NAME/VERSION`, `NAME/latest`) means now.
    async fn resolve(&self, spec: &str) -> Result<Candidate>;

    /// That version, in memory and warmed.
    async fn load(&self, model: &str, version: i64) -> Result<Arc<ServedModel>>;
}

#[async_trait]
impl ModelSource for Models {
    async fn resolve(&self, spec: &str) -> Result<Candidate> {
        let version = Models::resolve(self, spec).await?;
        if version.bundle_hash.is_none() {
            return Err(Error::invalid(format!("{} cannot be served", version.id()))
                .why("it was registered through MLflow's interface, so that it has files but no bundle of pipeline and weights")
                .hint("ropewalk model register NAME --run RUN_ID   # a run that ropewalk trained"));
        }
        let failed =
            version.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.message.clone()).collect();
        Ok(Candidate { model: version.name, version: version.version, failed_gates: failed })
    }

    async fn load(&self, model: &str, version: i64) -> Result<Arc<ServedModel>> {
        let bundle = self.bundle(model, version).await?;
        let name = model.to_owned();
        let loading = tokio::task::spawn_blocking(move || ServedModel::load(&name, version, bundle));
        let loaded = loading.await.map_err(|error| {
            Error::internal(format!("loading {model}/{version} failed")).why(error.to_string())
        })?;
        Ok(Arc::new(loaded?))
    }
}
