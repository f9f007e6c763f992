//! Searches.

use ropewalk_core::Result;
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{Comparison, Order};

use super::Models;
use crate::model::{ModelVersion, RegisteredModel};
use crate::store::search;
pub use crate::store::search::Window;

impl Models {
    /// All registered models that are no prompts, by name.
    pub async fn list(&self) -> Result<Vec<RegisteredModel>> {
        Ok(self.search_models(&[], &[], Window::ALL).await?)
    }

    /// The registered models that a filter finds, by name unless `orders` say otherwise. Prompts are found only by a filter
    /// that asks for them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn search_models(
        &self,
        comparisons: &[Comparison],
        orders: &[Order],
        window: Window,
    ) -> MlflowResult<Vec<RegisteredModel>> {
        let mut connection = self.core.database.read().await?;
        search::registered(&mut connection, self.core.database.dialect(), comparisons, orders, window).await
    }

    /// The versions of all models that a filter finds, the last changed first unless `orders` say otherwise.
    ///
    /// # Errors
    /// What the database says.
    pub async fn search_versions(
        &self,
        comparisons: &[Comparison],
        orders: &[Order],
        window: Window,
    ) -> MlflowResult<Vec<ModelVersion>> {
        let mut connection = self.core.database.read().await?;
        search::model_versions(&mut connection, self.core.database.dialect(), comparisons, orders, window)
            .await
    }
}
