//! Building a new routing table aside and putting it in place.

use crate::model::{Endpoint, Revision};
use crate::runtime::ServedModel;
use crate::service::Serve;
use crate::split::Split;
use crate::store;
use crate::table::{Route, Routes, Table};
use ropewalk_core::{Error, Result, now_ms};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often the database is asked whether another process changed something, in milliseconds.
const CHECK_EVERY_MS: u64 = 1000;
/// How often a model that could not be loaded is tried again, in milliseconds.
const RETRY_EVERY_MS: i64 = 10_000;
/// Revisions without traffic that stay in memory for each endpoint, so that going back is immediate.
const IDLE_KEPT: usize = 2;

impl Serve {
    /// Looks, at most once a second, whether another process has changed the configuration, and takes it over.
    ///
    /// A database that does not answer leaves the table as it is: what is being served goes on being served.
    pub(crate) async fn refresh(&self) -> Result<()> {
        if self.0.live.read().never_loaded() {
            return self.reload_if(Table::never_loaded).await;
        }
        let (now, last) = (now_ms(), self.0.checked_ms.load(Ordering::Relaxed));
        if now.abs_diff(last) < CHECK_EVERY_MS
            || self.0.checked_ms.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return Ok(());
        }
        let checked = async {
            let generation = {
                let mut connection = self.0.core.database.read().await?;
                store::generation(&mut connection).await?
            };
            self.reload_if(|table| {
                table.generation != generation
                    || (table.has_problem() && now - table.built_ms >= RETRY_EVERY_MS)
            })
            .await
        };
        if let Err(error) = checked.await {
            tracing::warn!(%error, "the endpoints could not be checked for changes; serving goes on as before");
        }
        Ok(())
    }

    async fn reload_if(&self, needed: impl Fn(&Table) -> bool + Send) -> Result<()> {
        if !needed(&self.0.live.read()) {
            return Ok(());
        }
        let turn = self.0.reloading.lock().await;
        if needed(&self.0.live.read()) {
            self.rebuild(None, &[]).await?;
        }
        drop(turn);
        Ok(())
    }

    /// Builds a table from the database and puts it in place. `fresh` is a model that was just loaded; `wanted`
    /// revisions are loaded even if they have no traffic.
    pub(crate) async fn reload(&self, fresh: Option<Arc<ServedModel>>, wanted: &[(&str, i64)]) -> Result<()> {
        let turn = self.0.reloading.lock().await;
        let result = self.rebuild(fresh, wanted).await;
        drop(turn);
        result
    }

    async fn rebuild(&self, fresh: Option<Arc<ServedModel>>, wanted: &[(&str, i64)]) -> Result<()> {
        let (generation, endpoints) = {
            let mut connection = self.0.core.database.read().await?;
            // The number first: should a change come in between, the table is newer than it says and is built again.
            let generation = store::generation(&mut connection).await?;
            (generation, store::endpoints(&mut connection, None).await?)
        };
        let before = self.0.live.read();
        let mut table = Table { generation, built_ms: now_ms(), ..Table::default() };
        for endpoint in endpoints {
            let wanted: Vec<i64> = wanted
                .iter()
                .filter(|(name, _)| *name == endpoint.name)
                .map(|(_, revision)| *revision)
                .collect();
            let routes = self.build_routes(endpoint, &before, fresh.as_ref(), &wanted).await;
            table.endpoints.insert(routes.endpoint.name.clone(), Arc::new(routes));
        }
        self.0.live.replace(Arc::new(table));
        self.0.checked_ms.store(now_ms(), Ordering::Relaxed);
        Ok(())
    }

    async fn build_routes(
        &self,
        endpoint: Endpoint,
        before: &Table,
        fresh: Option<&Arc<ServedModel>>,
        wanted: &[i64],
    ) -> Routes {
        let mut routes = Vec::with_capacity(endpoint.revisions.len());
        for revision in &endpoint.revisions {
            let at_hand =
                fresh.filter(|model| model.is(revision)).cloned().or_else(|| before.loaded(revision));
            let must = revision.percent > 0.0 || wanted.contains(&revision.revision);
            let (model, problem) = match at_hand {
                Some(model) => (Some(model), None),
                None if must => match self.load(revision).await {
                    Ok(model) => (Some(model), None),
                    Err(error) => {
                        tracing::error!(endpoint = revision.endpoint, revision = revision.revision, %error, "a revision cannot be loaded");
                        (None, Some(error.to_string()))
                    }
                },
                None => (None, None),
            };
            let statistics = before.statistics_of(&revision.endpoint, revision.revision);
            routes.push(Route { revision: revision.clone(), model, problem, statistics });
        }
        drop_idle(&mut routes, wanted);
        let percents: Vec<f64> = routes.iter().map(|route| route.revision.percent).collect();
        Routes { split: Split::new(&percents, seed_of(&endpoint.name)), endpoint, routes }
    }

    async fn load(&self, revision: &Revision) -> Result<Arc<ServedModel>> {
        let model = self.0.source.load(&revision.model, revision.version).await?;
        if model.is(revision) {
            return Ok(model);
        }
        Err(Error::conflict(format!("{}/{} is not what was deployed", revision.model, revision.version)).why(
            format!(
                "revision {} of `{}` was deployed with bundle {}, the registry now has {}",
                revision.revision, revision.endpoint, revision.bundle_hash, model.bundle_hash
            ),
        ))
    }
}

/// Lets go of models without traffic, except those wanted and the newest few.
fn drop_idle(routes: &mut [Route], wanted: &[i64]) {
    let mut kept = 0;
    for route in routes.iter_mut().rev() {
        let needed = route.revision.percent > 0.0 || wanted.contains(&route.revision.revision);
        if needed || route.model.is_none() {
            continue;
        }
        kept += 1;
        if kept > IDLE_KEPT {
            route.model = None;
        }
    }
}

/// A seed that is the same wherever an endpoint is served (FNV-1a of its name).
fn seed_of(name: &str) -> u64 {
    name.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
