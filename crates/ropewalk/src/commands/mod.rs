//! One file for each room of the command line.

pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod data;
pub(crate) mod doctor;
pub(crate) mod endpoint;
pub(crate) mod experiment;
pub(crate) mod import;
pub(crate) mod incident;
pub(crate) mod job;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod prep;
pub(crate) mod reference;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod watch;
