//! Where alerts go: whoever opens incidents.

use async_trait::async_trait;
use ropewalk_core::Result;

use crate::Alert;

/// Takes every alert that fires or resolves; `alert.status` says which.
///
/// Delivery is at least once: an error, or a crash before `Ok`, makes the monitor deliver it again.
#[async_trait]
pub trait AlertSink: Send + Sync {
    /// Takes one alert.
    async fn alert(&self, alert: Alert) -> Result<()>;
}
