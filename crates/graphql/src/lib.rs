//! MLflow's GraphQL: the queries of its web app, answered from MLflow's own routes within this process, so that both tell
//! the same. A query is cut into [tokens](lexer) and [read](parser), held to [limits], [checked](validate) against the
//! [schema], and [answered](execute).

#![allow(rustdoc::private_intra_doc_links)]

mod ast;
mod backend;
mod coerce;
mod collect;
mod complete;
mod execute;
mod further;
mod http;
mod introspect;
mod lexer;
mod limits;
mod parser;
mod python;
mod resolve;
mod schema;
mod similar;
#[cfg(test)]
mod tests;
mod validate;

pub use http::routes;
pub use limits::VARIABLES;
