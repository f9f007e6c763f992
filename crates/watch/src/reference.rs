//! What a model version promises to be compared with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ropewalk_core::Result;
use ropewalk_models::{Models, ReferenceProfile};
use ropewalk_prep::Target;

/// The part of a bundle that monitoring needs.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The training data's shape and the scores at registration.
    pub profile: ReferenceProfile,
    /// What turns an observed value into a label.
    pub target: Target,
}

/// Where references come from.
#[async_trait]
pub trait ReferenceSource: Send + Sync {
    /// The reference of a model version.
    async fn reference(&self, model: &str, version: i64) -> Result<Reference>;
}

#[async_trait]
impl ReferenceSource for Models {
    async fn reference(&self, model: &str, version: i64) -> Result<Reference> {
        let manifest = self.bundle(model, version).await?.manifest;
        Ok(Reference { profile: manifest.reference, target: manifest.target })
    }
}

/// By registered model and version.
type Known = HashMap<(String, i64), Arc<Reference>>;

/// References kept in memory: a version never changes.
#[derive(Clone)]
pub(crate) struct References {
    source: Arc<dyn ReferenceSource>,
    known: Arc<Mutex<Known>>,
}

impl References {
    pub(crate) fn new(source: Arc<dyn ReferenceSource>) -> Self {
        Self { source, known: Arc::default() }
    }

    pub(crate) async fn get(&self, model: &str, version: i64) -> Result<Arc<Reference>> {
        let key = (model.to_owned(), version);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.source.reference(model, version).await?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&found));
        Ok(found)
    }
}
