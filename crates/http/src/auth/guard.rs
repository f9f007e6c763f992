//! Who may do what: everything that is asked before a request reaches a feature.

use std::sync::Arc;

use ropewalk_mlflow::access::{Lookup, MLFLOW, Route, Table};

use super::service::Auth;

/// What decides about requests.
#[derive(Clone)]
pub struct Guard {
    pub(super) auth: Auth,
    pub(super) table: Arc<Table>,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Guard {
    /// Decides by these credentials. `own` says what routes are about beside MLflow's, `lookup` where things belong.
    #[must_use]
    pub fn new(auth: Auth, own: &'static [Route], lookup: Arc<dyn Lookup>) -> Self {
        Self { auth, table: Arc::new(Table::new(&[MLFLOW, own])), lookup }
    }

    /// The credentials.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }
}
