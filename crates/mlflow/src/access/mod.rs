//! Permissions: who may do what to which experiment or registered model. MLflow's words and rules; where things belong,
//! the features know ([`Lookup`]), and who was granted what, whoever keeps users.
//!
//! A request finds its [`Rule`] in a [`Table`] by method and path. The rule says what it is [`About`], and so what it
//! [`Needs`]; a caller's [`Rights`] allow that or not. Most requests are settled without looking at what they are about
//! ([`Rights::settle`]).

mod about;
pub mod answer;
mod artifact;
mod asked;
mod lookup;
mod permission;
mod registry;
mod resource;
mod rights;
mod routes;
pub mod scope;
mod table;
#[cfg(test)]
mod tests;
mod traces;

pub use about::{About, Own};
pub use answer::{Rows, Then};
pub use asked::{Asked, both, new_in, within};
pub use lookup::{Lookup, Registered};
pub use permission::{Action, Permission};
pub use registry::{PROMPT_TAG, model_name, new_name};
pub use resource::{EVERY, ResourceType};
pub use rights::{Grant, Grants, Needs, Requirement, Rights, Rung};
pub use routes::{MLFLOW, Route, Rule};
pub use table::{Matched, Table, without_prefix};
