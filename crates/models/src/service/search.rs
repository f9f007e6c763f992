//! Searches.

use ropewalk_core::Result;
use ropewalk_core::page::Paged;
use ropewalk_core::page::decode_offset;
use ropewalk_runs::filter::{parse, parse_order};

use super::Models;
use crate::model::{ModelVersion, RegisteredModel};
use crate::store::search;

impl Models {
    /// All registered models, by name.
    pub async fn list(&self) -> Result<Vec<RegisteredModel>> {
        let mut connection = self.core.database.read().await?;
        search::registered(&mut connection, self.core.database.dialect(), &[], &[], i64::MAX, 0).await
    }

    /// A page of registered models.
    pub async fn search_models(
        &self,
        filter: &str,
        order_by: &[String],
        limit: u32,
        token: Option<&str>,
    ) -> Result<Paged<RegisteredModel>> {
        let comparisons = parse(filter)?;
        let orders = order_by.iter().map(|order| parse_order(order)).collect::<Result<Vec<_>>>()?;
        let offset = decode_offset(token)?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let found = search::registered(
            &mut connection,
            self.core.database.dialect(),
            &comparisons,
            &orders,
            i64::from(limit) + 1,
            start,
        )
        .await?;
        Ok(Paged::cut(found, offset, limit))
    }

    /// A page of versions over all models, the last changed first unless `order_by` says otherwise.
    pub async fn search_versions(
        &self,
        filter: &str,
        order_by: &[String],
        limit: u32,
        token: Option<&str>,
    ) -> Result<Paged<ModelVersion>> {
        let comparisons = parse(filter)?;
        let orders = order_by.iter().map(|order| parse_order(order)).collect::<Result<Vec<_>>>()?;
        let offset = decode_offset(token)?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut connection = self.core.database.read().await?;
        let found = search::model_versions(
            &mut connection,
            self.core.database.dialect(),
            &comparisons,
            &orders,
            i64::from(limit) + 1,
            start,
        )
        .await?;
        Ok(Paged::cut(found, offset, limit))
    }
}
