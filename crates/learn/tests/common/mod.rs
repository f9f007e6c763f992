//! The red wines, committed and prepared, for tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use ropewalk_core::{Actor, Core, Migration};

use ropewalk_data::{CommitRequest, Data, FileChange};
use ropewalk_learn::Learn;
use ropewalk_ledger::Ledger;
use ropewalk_prep::{Prep, PrepSpec, Prepared};
use ropewalk_runs::Runs;

pub const RED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/wine/winequality-red.csv");

/// The services that training stands on.
pub struct House {
    pub core: Core,
    pub data: Data,
    pub ledger: Ledger,
    pub prep: Prep,
    pub runs: Runs,
    pub learn: Learn,
    pub actor: Actor,
}

pub fn migrations() -> Vec<Migration> {
    [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_learn::MIGRATIONS,
    ]
    .concat()
}

impl House {
    pub fn build(core: Core) -> Self {
        let data = Data::new(core.clone());
        let ledger = Ledger::new(core.clone());
        let prep = Prep::new(core.clone(), data.clone(), ledger.clone());
        let runs = Runs::new(core.clone());
        let learn = Learn::new(core.clone(), ledger.clone(), prep.clone(), runs.clone());
        Self { core, data, ledger, prep, runs, learn, actor: Actor::user("ann") }
    }

    pub async fn commit(&self, dataset: &str, csv: impl Into<Bytes>) {
        let files = vec![FileChange { path: "table.csv".into(), content: Some(csv.into()) }];
        let request = CommitRequest {
            dataset: dataset.into(),
            branch: "main".into(),
            message: "the table".into(),
            files,
            expected_head: None,
            create_branch_from: None,
        };
        self.data.commit(request, &self.actor).await.unwrap();
    }

    pub async fn prepare(&self, spec: PrepSpec) -> Prepared {
        self.prep.prepare(&spec, &self.actor).await.unwrap()
    }

    /// The red wines with the target `quality >= 6`.
    pub async fn red(&self) -> Prepared {
        self.commit("wine", std::fs::read(RED).unwrap()).await;
        self.prepare(PrepSpec::new("wine", "quality >= 6".parse().unwrap())).await
    }
}
