//! The routing table: what answers requests at this moment.
//!
//! A table is built aside and put in place whole. A request takes the table as it stands and keeps its models alive
//! until it has been answered, so that a change of traffic fails no request.

use crate::model::{Endpoint, Revision, ServedRevision, ServedState};
use crate::runtime::ServedModel;
use crate::split::Split;
use crate::statistics::{EndpointStatistics, Reading, RevisionStatistics, Statistics};
use ropewalk_core::{Code, Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// All endpoints, as of one generation of the configuration.
#[derive(Debug)]
pub struct Table {
    /// Which generation of the configuration this was built from; negative before the first was read.
    pub generation: i64,
    /// When it was built, in milliseconds since the Unix epoch.
    pub built_ms: i64,
    /// The endpoints by name.
    pub endpoints: BTreeMap<String, Arc<Routes>>,
}

/// One endpoint's routes.
#[derive(Debug)]
pub struct Routes {
    /// The endpoint, its revisions included.
    pub endpoint: Endpoint,
    /// One route for each revision, oldest first.
    pub routes: Vec<Route>,
    /// Which route takes the next request.
    pub split: Split,
}

/// One revision and what stands behind it.
#[derive(Debug)]
pub struct Route {
    /// The revision.
    pub revision: Revision,
    /// Its model, while it is in memory.
    pub model: Option<Arc<ServedModel>>,
    /// Why it is not in memory, if loading failed.
    pub problem: Option<String>,
    /// Its counters, which outlive the table.
    pub statistics: Arc<Statistics>,
}

impl Default for Table {
    fn default() -> Self {
        Self { generation: -1, built_ms: 0, endpoints: BTreeMap::new() }
    }
}

impl Table {
    /// Whether the configuration has not been read yet.
    #[must_use]
    pub fn never_loaded(&self) -> bool {
        self.generation < 0
    }

    /// Whether a model could not be loaded.
    #[must_use]
    pub fn has_problem(&self) -> bool {
        self.endpoints.values().flat_map(|routes| &routes.routes).any(|route| route.problem.is_some())
    }

    /// The routes of an endpoint.
    ///
    /// # Errors
    /// `NotFound` naming the endpoints that there are.
    pub fn endpoint(&self, name: &str) -> Result<&Arc<Routes>> {
        self.endpoints
            .get(name)
            .ok_or_else(|| unknown_endpoint(name, self.endpoints.keys().map(String::as_str)))
    }

    /// The counters of a revision, or new ones.
    #[must_use]
    pub fn statistics_of(&self, endpoint: &str, revision: i64) -> Arc<Statistics> {
        self.endpoints
            .get(endpoint)
            .and_then(|routes| routes.route(revision))
            .map_or_else(Arc::default, |route| Arc::clone(&route.statistics))
    }

    /// A model that is in memory already, by its content and its place in the registry.
    #[must_use]
    pub fn loaded(&self, revision: &Revision) -> Option<Arc<ServedModel>> {
        let models = self
            .endpoints
            .values()
            .flat_map(|routes| &routes.routes)
            .filter_map(|route| route.model.as_ref());
        models.into_iter().find(|model| model.is(revision)).cloned()
    }
}

/// The error for an endpoint that is not there.
pub fn unknown_endpoint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    let known: Vec<&str> = known.take(20).collect();
    let error = Error::not_found(format!("there is no endpoint `{shown}`"));
    if known.is_empty() {
        error.why("nothing is deployed yet").hint("ropewalk endpoint deploy NAME --model MODEL@ALIAS")
    } else {
        error.why(format!("the endpoints are {}", known.join(", "))).hint("ropewalk endpoint list")
    }
}

impl Routes {
    /// The route of a revision.
    #[must_use]
    pub fn route(&self, revision: i64) -> Option<&Route> {
        self.routes.iter().find(|route| route.revision.revision == revision)
    }

    /// The route for the next request, or that of the revision which it asks for.
    ///
    /// # Errors
    /// `NotFound` for a revision that is not there, `Unavailable` when no revision has traffic.
    pub fn choose(&self, revision: Option<i64>) -> Result<&Route> {
        let name = &self.endpoint.name;
        match revision {
            Some(revision) => self.route(revision).ok_or_else(|| {
                let known: Vec<i64> = self.routes.iter().map(|route| route.revision.revision).collect();
                Error::not_found(format!("endpoint `{name}` has no revision {revision}"))
                    .why(format!("its revisions are {known:?}"))
                    .hint(format!("ropewalk endpoint show {name}"))
            }),
            None => self.split.choose().and_then(|position| self.routes.get(position)).ok_or_else(|| {
                Error::new(Code::Unavailable, format!("no revision of endpoint `{name}` has traffic"))
                    .hint(format!("ropewalk endpoint show {name}"))
            }),
        }
    }

    /// Whether every revision with traffic is in memory.
    #[must_use]
    pub fn ready(&self) -> bool {
        let mut routed = self.routes.iter().filter(|route| route.revision.percent > 0.0).peekable();
        routed.peek().is_some() && routed.all(|route| route.model.is_some())
    }

    /// The endpoint's state for the read-back.
    #[must_use]
    pub fn served(&self, generation: i64, now_ms: i64) -> ServedState {
        let revisions = self.routes.iter().map(|route| ServedRevision {
            revision: route.revision.revision,
            model: route
                .model
                .as_ref()
                .map_or_else(|| route.revision.model.clone(), |model| model.model.clone()),
            version: route.model.as_ref().map_or(route.revision.version, |model| model.version),
            percent: route.revision.percent,
            loaded: route.model.is_some(),
            bundle_hash: route
                .model
                .as_ref()
                .map_or_else(|| route.revision.bundle_hash.clone(), |model| model.bundle_hash.clone()),
            requests: route.statistics.requests(),
            problem: route.problem.clone(),
        });
        ServedState {
            endpoint: self.endpoint.name.clone(),
            revisions: revisions.collect(),
            generation,
            checked_ms: now_ms,
            process_id: std::process::id(),
        }
    }

    /// The endpoint's statistics.
    #[must_use]
    pub fn statistics(&self, now_ms: i64) -> EndpointStatistics {
        let mut total = Reading::default();
        let mut revisions = Vec::with_capacity(self.routes.len());
        for route in &self.routes {
            let reading = route.statistics.read(now_ms);
            total.add(&reading);
            revisions.push(RevisionStatistics {
                revision: route.revision.revision,
                figures: reading.figures(now_ms),
                series: reading.series(now_ms),
            });
        }
        EndpointStatistics {
            endpoint: self.endpoint.name.clone(),
            time_ms: now_ms,
            total: total.figures(now_ms),
            revisions,
            series: total.series(now_ms),
        }
    }
}

/// The place where the live table hangs. Readers copy one pointer under a read lock held for that copy alone.
#[derive(Debug, Default)]
pub struct Live(RwLock<Arc<Table>>);

impl Live {
    /// The table as it stands.
    #[must_use]
    pub fn read(&self) -> Arc<Table> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a table in place and returns the one before. Requests under way keep theirs.
    pub fn replace(&self, table: Arc<Table>) -> Arc<Table> {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, table)
    }
}
