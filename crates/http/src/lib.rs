//! One HTTP server: the features' routers merged, with authentication, the web app, errors as
//! JSON and the OpenAPI description. It holds no rule of any feature.

pub mod auth;
mod listen;
mod openapi;
mod patience;
mod rejections;
mod security;
mod server;

pub use listen::{Listening, listen};
pub use security::{Security, VARIABLES};
pub use server::{MAX_JSON_BYTES, build};
