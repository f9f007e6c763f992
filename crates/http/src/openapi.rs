//! The OpenAPI description of all routes.

use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi};

/// Give the merged description its title, version and licence.
pub(crate) fn describe(mut merged: OpenApi) -> OpenApi {
    merged.info = InfoBuilder::new()
        .title("Ropewalk")
        .description(Some("The machine-learning lifecycle in one server, on one line of evidence."))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    merged
}
