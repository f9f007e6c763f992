//! Webhooks: who wants to hear of which changes, and getting it to them. What happens is told by the features, in the
//! transaction of the change itself; what must be sent waits in the database until it has been sent.

mod address;
mod delivery;
mod examples;
mod http;
mod mlflow;
pub mod model;
mod options;
mod schema;
mod secret;
mod sending;
mod service;
mod store;

pub use http::routes;
pub use model::{Delivery, DeliveryState, Event, NewWebhook, Status, TestResult, Webhook, WebhookChange};
pub use options::{Options, VARIABLES};
pub use schema::MIGRATIONS;
pub use service::Webhooks;
